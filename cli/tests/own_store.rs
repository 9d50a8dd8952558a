//! The store of a user who may not write that of the system: below the home, named `/nix/store`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Somebody without rights, if the tests are run by root.
const NOBODY: u32 = 65534;

const SCRIPT: &str = r#"
derivation {
  name = "words";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo text > $out" ];
}
"#;

/// An ordinary user with a home.
struct User {
    folder: tempfile::TempDir,
    id: Option<u32>,
}

impl User {
    fn new() -> User {
        let folder = tempfile::tempdir().unwrap();
        let id = nix::unistd::geteuid().is_root().then_some(NOBODY);
        let user = User { folder, id };
        fs::set_permissions(user.path(""), Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(user.path("home")).unwrap();
        if let Some(id) = id {
            chown(user.path("home"), Some(id), Some(id)).unwrap();
        }
        // Where the binary was built the user may not have access. Another process copies it: while this one writes, a
        // test beside this may fork, and what a child holds open for writing cannot be run.
        let copied = Command::new("cp")
            .args([
                env!("CARGO_BIN_EXE_nivis").as_ref(),
                user.path("nivis").as_os_str(),
            ])
            .status();
        assert!(copied.unwrap().success());
        for name in ["nix-build", "nix-env", "nix-instantiate", "nix-store"] {
            symlink("nivis", user.path(name)).unwrap();
        }
        fs::write(user.path("words.nix"), SCRIPT).unwrap();
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn call(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(self.path(program));
        command.args(args).env_clear().current_dir(self.path("home"));
        command
            .env("HOME", self.path("home"))
            .env("PATH", "/usr/bin:/bin");
        if let Some(id) = self.id {
            command.uid(id).gid(id);
        }
        command.output().unwrap()
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.call(program, args);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {args:?}: {message}");
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Whether the system's store is for others; a single-user installation of this user's is not.
    fn needs_own(&self) -> bool {
        let may_write = nix::unistd::access("/nix/var/nix", nix::unistd::AccessFlags::W_OK).is_ok();
        self.id.is_some() || !may_write
    }

    fn root(&self) -> PathBuf {
        self.path("home/.local/share/nix/root")
    }

    /// Where the files of a path of the user's store are.
    fn real(&self, path: &str) -> PathBuf {
        self.root().join(path.strip_prefix('/').unwrap())
    }
}

#[test]
fn users_get_a_store_of_their_own() {
    let user = User::new();
    if !user.needs_own() {
        return;
    }
    let output = user.call("nix-instantiate", &["../words.nix"]);
    let drv = String::from_utf8(output.stdout).unwrap().trim_end().to_owned();
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(messages.contains("root\" as a chroot store"), "{messages}");
    assert!(drv.starts_with("/nix/store/"), "{drv}");
    assert!(user.real(&drv).is_file());
    // It is announced once.
    let again = user.call("nix-instantiate", &["../words.nix", "--no-gc-warning"]);
    assert_eq!(String::from_utf8(again.stderr).unwrap(), "");
    assert_eq!(user.run("nix-store", &["-q", "--binding", "name", &drv]), "words");

    if !user.call("nivis", &["enter", "true"]).status.success() {
        // No namespaces here, and no building then.
        return;
    }
    let built = user.run("nix-build", &["../words.nix"]);
    assert_eq!(fs::read_to_string(user.real(&built)).unwrap(), "text\n");
    assert_eq!(
        fs::read_link(user.path("home/result")).unwrap(),
        Path::new(&built)
    );
    assert_eq!(user.run("nivis", &["enter", "cat", "result"]), "text");
    // What was built can be read by expressions, by its name and through links.
    let read = ["--eval", "-E", "builtins.readFile ./result"];
    assert_eq!(user.run("nix-instantiate", &read), "\"text\\n\"");
    let kept = user.run("nix-store", &["--gc", "--print-live"]);
    assert!(kept.contains(&built), "{kept}");
    // In there the same store is at its place, and the user has no more rights than before.
    let inside = user.run(
        "nivis",
        &[
            "enter",
            "sh",
            "-c",
            "../nix-store -q --size $(readlink result); grep CapEff /proc/self/status",
        ],
    );
    assert_eq!(inside, format!("{}\nCapEff:\t0000000000000000", 120));
    fs::remove_file(user.path("home/result")).unwrap();
}

#[test]
fn profiles_of_other_stores_stay() {
    let user = User::new();
    let profile = user.path("home/profile");
    if !user.needs_own() {
        return;
    }
    symlink("profile-1-link", &profile).unwrap();
    let other = format!("/nix/store/{}-user-environment", "0".repeat(32));
    symlink(&other, user.path("home/profile-1-link")).unwrap();
    let install = ["-p", "profile", "-f", "../words.nix", "-i"];
    let output = user.call("nix-env", &install);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && message.contains("it is of another one"),
        "{message}"
    );
    assert_eq!(fs::read_link(&profile).unwrap(), Path::new("profile-1-link"));
}

#[test]
fn running_programs_are_not_collected() {
    let user = User::new();
    if !user.needs_own() || !user.call("nivis", &["enter", "true"]).status.success() {
        return;
    }
    fs::create_dir(user.path("tree")).unwrap();
    fs::copy("/bin/sleep", user.path("tree/wait")).unwrap();
    let added = user.run("nix-store", &["--add", "../tree"]);
    let mut command = Command::new(user.path("nivis"));
    command
        .args(["enter", &format!("{added}/wait"), "60"])
        .env("HOME", user.path("home"));
    if let Some(id) = user.id {
        command.uid(id).gid(id);
    }
    let mut child = command.current_dir(user.path("home")).spawn().unwrap();
    let exe = PathBuf::from(format!("/proc/{}/exe", child.id()));
    // There is no link while one program takes the place of another.
    while !fs::read_link(&exe).is_ok_and(|exe| exe.ends_with("wait")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    user.run("nix-store", &["--gc"]);
    let is_kept = user.real(&added).exists();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_kept);
    user.run("nix-store", &["--gc"]);
    assert!(!user.real(&added).exists());
}
