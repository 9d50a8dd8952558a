//! Where a user's profiles, channels and default expression are.

use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::settings::Settings;
use nivis_store::files::{create_dirs, replace_symlink};
use nivis_store::io_error::IoError;
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the user who runs the program.
pub(crate) struct UserDirs {
    home: Option<PathBuf>,
    state_home: Option<PathBuf>,
    state_dir: PathBuf,
    given_profile: Option<PathBuf>,
    xdg: bool,
    is_root: bool,
}

impl UserDirs {
    /// As the environment and the settings say.
    pub(crate) fn new(environment: &Environment, settings: &Settings) -> UserDirs {
        UserDirs {
            home: environment.home.clone(),
            state_home: environment.state_home.clone(),
            state_dir: environment.state_dir.clone(),
            given_profile: environment.profile.clone(),
            xdg: settings.bool("use-xdg-base-directories"),
            is_root: nix::unistd::geteuid().is_root(),
        }
    }

    fn home(&self) -> Result<&Path> {
        let home = self.home.as_deref();
        home.ok_or_else(|| Failure::Plain("cannot determine user's home directory".to_owned()))
    }

    fn state_home(&self) -> Result<&Path> {
        let dir = self.state_home.as_deref();
        dir.ok_or_else(|| Failure::Plain("cannot determine user's home directory".to_owned()))
    }

    /// `~/.nix-defexpr`: where packages come from.
    pub(crate) fn default_expression(&self) -> Result<PathBuf> {
        match self.xdg {
            true => Ok(self.state_home()?.join("defexpr")),
            false => Ok(self.home()?.join(".nix-defexpr")),
        }
    }

    /// `~/.nix-channels`: the channels that the user wants.
    pub(crate) fn channel_list(&self) -> Result<PathBuf> {
        match self.xdg {
            true => Ok(self.state_home()?.join("channels")),
            false => Ok(self.home()?.join(".nix-channels")),
        }
    }

    /// `~/.nix-profile`: the link to the profile in use.
    pub(crate) fn profile_link(&self) -> Result<PathBuf> {
        match self.xdg {
            true => Ok(self.state_home()?.join("profile")),
            false => Ok(self.home()?.join(".nix-profile")),
        }
    }

    fn root_profiles(&self) -> PathBuf {
        self.state_dir.join("profiles/per-user/root")
    }

    /// The folder of the user's profiles, made if need be.
    pub(crate) fn profiles(&self) -> Result<PathBuf> {
        let dir = match self.is_root {
            true => self.root_profiles(),
            false => self.state_home()?.join("profiles"),
        };
        create_dirs(&dir).map_err(failed)?;
        Ok(dir)
    }

    /// The profile of channels.
    pub(crate) fn channels(&self) -> Result<PathBuf> {
        Ok(self.profiles()?.join("channels"))
    }

    /// Makes the folder of the default expression with links to the channels, unless it is there. A user who cannot
    /// have one does without.
    pub(crate) fn make_default_expression(&self) {
        let _ = self.try_make_default_expression();
    }

    fn try_make_default_expression(&self) -> Result<()> {
        let dir = self.default_expression()?;
        if fs::symlink_metadata(&dir).is_ok() {
            return Ok(());
        }
        create_dirs(&dir).map_err(failed)?;
        replace_symlink(&self.channels()?, &dir.join("channels")).map_err(failed)?;
        if !self.is_root {
            replace_symlink(&self.root_profiles().join("channels"), &dir.join("channels_root"))
                .map_err(failed)?;
        }
        Ok(())
    }

    /// The profile in use: `NIX_PROFILE`, or where `~/.nix-profile` points, which is made if need be.
    pub(crate) fn profile(&self) -> Result<PathBuf> {
        if let Some(profile) = &self.given_profile {
            return Ok(profile.clone());
        }
        let link = self.profile_link()?;
        Ok(self.linked_profile(&link).unwrap_or(link))
    }

    fn linked_profile(&self, link: &Path) -> Result<PathBuf> {
        let profile = self.profiles()?.join("profile");
        if self.xdg {
            create_dirs(self.state_home()?).map_err(failed)?;
        }
        if fs::symlink_metadata(link).is_err() {
            replace_symlink(&profile, link).map_err(failed)?;
        }
        let global = self.state_dir.join("profiles/default");
        if self.is_root && fs::symlink_metadata(&global).is_err() {
            replace_symlink(&profile, &global).map_err(failed)?;
        }
        let target =
            fs::read_link(link).map_err(|error| failed(IoError::at("reading symbolic link", link, error)))?;
        let base = link.parent().unwrap_or(Path::new("/"));
        Ok(normalise(&base.join(target)))
    }
}

/// A path without `.`, `..` and doubled slashes.
pub(crate) fn normalise(path: &Path) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let text = nivis_lang::path::absolute(b"/", path.as_os_str().as_bytes());
    PathBuf::from(std::ffi::OsString::from_vec(text))
}

fn failed(error: IoError) -> Failure {
    Failure::Plain(error.to_string())
}
