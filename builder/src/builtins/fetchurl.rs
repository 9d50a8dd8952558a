//! `builtin:fetchurl`: a file from elsewhere, or an archive of one.

use std::fs::{self, File, Permissions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nivis_store::content_address::ContentAddressMethod;
use nivis_store::decompress::decompress;
use nivis_store::derivation::{Derivation, DerivationKind, DerivationOutput};
use nivis_store::nar;

use super::{Context, failed, warn};
use crate::download::Download;
use crate::failure::BuildFailure;
use crate::settings::BuildSettings;

/// What is known before the builder runs.
pub(super) struct Fetch {
    has_out: bool,
    is_allowed: bool,
    /// Where mirrors have the file.
    mirrors: Vec<String>,
    download: Option<Box<dyn Download>>,
}

impl Fetch {
    pub(super) fn new(
        settings: &BuildSettings,
        drv: &Derivation,
        kind: DerivationKind,
    ) -> Result<Self, BuildFailure> {
        let out = drv.outputs.get("out");
        let mirrors = match out {
            Some(DerivationOutput::Fixed(address)) if address.method == ContentAddressMethod::Flat => {
                settings
                    .hashed_mirrors
                    .iter()
                    .map(|mirror| {
                        let mirror = mirror.strip_suffix('/').unwrap_or(mirror);
                        let hash = address.hash;
                        format!("{mirror}/{}/{}", hash.algorithm(), hash.to_base16())
                    })
                    .collect()
            }
            _ => Vec::new(),
        };
        let download = settings
            .downloader
            .as_ref()
            .map(|downloader| downloader.prepare());
        Ok(Fetch {
            has_out: out.is_some(),
            is_allowed: matches!(kind, DerivationKind::Fixed | DerivationKind::Impure),
            mirrors,
            download: download.transpose().map_err(BuildFailure::other)?,
        })
    }

    fn open(&self, url: &str) -> Result<File, String> {
        let Some(path) = url.strip_prefix("file://") else {
            return match &self.download {
                // In the build's folder, which is ours.
                Some(download) => download.fetch(url, Path::new("."), &warn),
                None => Err(format!(
                    "unable to download '{url}': there is nothing that could download it"
                )),
            };
        };
        let path = PathBuf::from(percent_decode(path));
        File::open(&path).map_err(|error| {
            let error = nivis_store::io_error::IoError::at("opening file", &path, error);
            format!("unable to download '{url}': {error}")
        })
    }
}

pub(super) fn build(context: &Context, fetch: &Fetch) -> Result<(), String> {
    if !fetch.has_out {
        return Err("'builtin:fetchurl' requires an 'out' output".to_owned());
    }
    if !fetch.is_allowed {
        return Err("'builtin:fetchurl' must be a fixed-output or impure derivation".to_owned());
    }
    let url = context.text("url")?;
    let flag = |name: &str| context.attribute(name).is_ok_and(|value| value == b"1");
    let (unpack, executable) = (flag("unpack"), flag("executable"));
    let out = context.out()?;
    let get = |from: &str| -> Result<(), String> {
        let source: Box<dyn Read> = Box::new(BufReader::new(fetch.open(from)?));
        let source = match unpack && url.ends_with(".xz") {
            true => decompress(source).map_err(|error| format!("decompressing '{from}': {error}"))?,
            false => source,
        };
        store(source, out, unpack)?;
        if executable {
            fs::set_permissions(out, Permissions::from_mode(0o755))
                .map_err(failed("changing mode of", out))?;
        }
        Ok(())
    };
    for mirror in &fetch.mirrors {
        if get(mirror).is_ok() {
            return Ok(());
        }
    }
    get(url)
}

fn store(mut source: Box<dyn Read>, out: &Path, unpack: bool) -> Result<(), String> {
    if unpack {
        return nar::restore_path(&mut source, out).map_err(|error| error.to_string());
    }
    let mut file = File::create(out).map_err(failed("creating file", out))?;
    io::copy(&mut source, &mut file).map_err(failed("writing file", out))?;
    Ok(())
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
