//! Finding what running processes use: their programs, folders, open and mapped files, and environments.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use memchr::memmem;
use rustc_hash::FxHashSet;

use super::Roots;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::notify::Notify;
use crate::path::{StoreDir, StorePath};

/// Files of the kernel that name programs.
const KERNEL_FILES: [&str; 3] = [
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/fbsplash",
    "/proc/sys/kernel/poweroff_cmd",
];

/// Look for what processes use, valid or not. Processes that end meanwhile or belong to others are passed over.
pub(crate) fn find(store_dir: &StoreDir, notify: &Notify, roots: &mut Roots) -> Result<(), StoreError> {
    let mut search = Search {
        store_dir,
        notify,
        roots,
    };
    let processes = match fs::read_dir("/proc") {
        Ok(processes) => processes,
        // Not mounted: then nothing can be found.
        Err(_) => return Ok(()),
    };
    for entry in processes {
        notify.check_interrupt()?;
        let entry = entry.map_err(|error| IoError::at("reading directory", Path::new("/proc"), error))?;
        if entry.file_name().as_bytes().iter().all(u8::is_ascii_digit) {
            match search.process(&entry.path()) {
                Ok(()) => {}
                Err(Failure::Process(error)) if is_gone(&error) => {}
                Err(Failure::Process(error)) => {
                    return Err(IoError::at("reading", &entry.path(), error).into());
                }
                Err(Failure::Store(error)) => return Err(error),
            }
        }
    }
    for file in KERNEL_FILES {
        if let Ok(contents) = fs::read(file) {
            search.add(contents.trim_ascii_end(), Path::new(file));
        }
    }
    Ok(())
}

/// Whether the process has ended, or must not be looked at.
fn is_gone(error: &io::Error) -> bool {
    // ESRCH has no kind of its own.
    const NO_SUCH_PROCESS: i32 = 3;
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
    ) || error.raw_os_error() == Some(NO_SUCH_PROCESS)
}

enum Failure {
    Process(io::Error),
    Store(StoreError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Process(error)
    }
}

struct Search<'a> {
    store_dir: &'a StoreDir,
    notify: &'a Notify,
    roots: &'a mut Roots,
}

impl Search<'_> {
    fn process(&mut self, process: &Path) -> Result<(), Failure> {
        self.link(&process.join("exe"))?;
        self.link(&process.join("cwd"))?;
        for entry in fs::read_dir(process.join("fd"))? {
            self.notify.check_interrupt().map_err(Failure::Store)?;
            self.link(&entry?.path())?;
        }
        let path = process.join("maps");
        let mut last: &[u8] = b"";
        let maps = fs::read(&path)?;
        for line in maps.split(|&byte| byte == b'\n') {
            // The file's path is the rest of the line; files are mapped several times in a row.
            if let Some(start) = memchr::memchr(b'/', line)
                && line[start..] != *last
            {
                last = &line[start..];
                self.add(last, &path);
            }
        }
        let path = process.join("environ");
        let environment = fs::read(&path)?;
        self.names_within(&environment, &path);
        Ok(())
    }

    fn link(&mut self, link: &Path) -> Result<(), Failure> {
        match fs::read_link(link) {
            Ok(target) => self.add(target.as_os_str().as_bytes(), link),
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// What lies in the store keeps the object that it is of.
    fn add(&mut self, target: &[u8], from: &Path) {
        // A file that was deleted while in use.
        let target = target.strip_suffix(b" (deleted)").unwrap_or(target);
        if let Ok((object, _)) = self.store_dir.to_store_path(target) {
            let links = self.roots.entry(object).or_default();
            links.insert(from.as_os_str().as_bytes().to_vec());
        }
    }

    /// All paths that are named in a text.
    fn names_within(&mut self, text: &[u8], from: &Path) {
        let start = format!("{}/", self.store_dir.as_str());
        let mut seen = FxHashSet::default();
        for found in memmem::find_iter(text, start.as_bytes()) {
            let name = &text[found + start.len()..];
            let end = name.iter().position(|byte| !is_name_byte(*byte));
            let name = &name[..end.unwrap_or(name.len())];
            if seen.insert(name)
                && let Ok(object) = StorePath::from_base_name(name)
            {
                let links = self.roots.entry(object).or_default();
                links.insert(from.as_os_str().as_bytes().to_vec());
            }
        }
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_' | b'?' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn open_files_and_environments() {
        let temp = tempfile::tempdir().unwrap();
        let store = StoreDir::new(temp.path().to_str().unwrap()).unwrap();
        let name = "00000000000000000000000000000000-open";
        std::fs::create_dir(temp.path().join(name)).unwrap();
        let file = File::create(temp.path().join(name).join("file")).unwrap();
        let named = "11111111111111111111111111111111-named";
        let value = format!("a:{0}/{named}/bin:{0}/nonsense", temp.path().display());
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .env("PATH_OF_IT", value)
            .spawn()
            .unwrap();
        let mut roots = Roots::new();
        find(&store, &Notify::silent(), &mut roots).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(file);
        let from = |name: &str| {
            let links = &roots[&StorePath::from_base_name(name).unwrap()];
            links
                .iter()
                .map(|link| String::from_utf8_lossy(link).into_owned())
                .collect::<Vec<_>>()
        };
        let own = format!("/proc/{}/fd/", std::process::id());
        assert!(
            from(name).iter().any(|link| link.starts_with(&own)),
            "{:?}",
            from(name)
        );
        assert_eq!(from(named), [format!("/proc/{}/environ", child.id())]);
        assert_eq!(roots.len(), 2);
    }
}
