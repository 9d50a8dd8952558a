//! `builtin:unpack-channel`: the one folder of a tarball, under the channel's name.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::BufReader;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nivis_store::decompress::decompress;
use nivis_store::tarball;

use super::{Context, failed};

pub(super) fn build(context: &Context) -> Result<(), String> {
    let out = context.out()?;
    let channel = context.text("channelName")?;
    let source = Path::new(OsStr::from_bytes(context.attribute("src")?));
    if channel.contains('/') || matches!(channel, "" | "." | "..") {
        return Err(format!(
            "channelName is not allowed to contain filesystem separators, got {channel}"
        ));
    }
    fs::create_dir_all(out).map_err(failed("creating directory", out))?;
    let file = File::open(source).map_err(failed("opening file", source))?;
    let archive = decompress(BufReader::new(file)).map_err(failed("decompressing", source))?;
    tarball::unpack(archive, out).map_err(|error| error.to_string())?;
    let mut entries = fs::read_dir(out).map_err(failed("reading directory", out))?;
    let Some(first) = entries.next() else {
        return Err(format!("channel tarball '{}' is empty", source.display()));
    };
    if entries.next().is_some() {
        return Err(format!(
            "channel tarball '{}' contains more than one file",
            source.display()
        ));
    }
    let first = first.map_err(failed("reading directory", out))?.path();
    let target = out.join(channel);
    fs::rename(&first, &target).map_err(|error| {
        format!(
            "failed to rename {} to {}: {}",
            first.display(),
            target.display(),
            nivis_store::io_error::message(&error)
        )
    })
}
