//! Strings that stand for output paths which are not known yet.
//!
//! They go into the environment in the place of the path; the builder replaces them.

use crate::base32;
use crate::hash::{Hash, Hasher};
use crate::path::{PathError, StorePath, output_path_name};

/// What stands in a derivation for its own output: `builtins.placeholder`.
pub fn placeholder(output: &[u8]) -> String {
    let mut hasher = Hasher::sha256();
    hasher.update(b"nix-output:");
    hasher.update(output);
    render(&hasher.finish())
}

fn render(hash: &Hash) -> String {
    let mut out = String::from("/");
    base32::encode_to(hash.as_bytes(), &mut out);
    out
}

/// What stands in a derivation for an output of another one, when that has no path before it is built.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DownstreamPlaceholder {
    hash: Hash,
}

impl DownstreamPlaceholder {
    /// For an output of a derivation that is content-addressed.
    pub fn unknown_ca_output(drv_path: &StorePath, output: &str) -> Result<Self, PathError> {
        let name = output_path_name(drv_path.drv_name()?, output);
        let text = format!("nix-upstream-output:{}:{name}", drv_path.hash_part());
        Ok(DownstreamPlaceholder {
            hash: Hash::sha256(text.as_bytes()),
        })
    }

    /// For an output of the derivation that this placeholder stands for.
    pub fn unknown_derivation(&self, output: &str) -> Self {
        let text = format!(
            "nix-computed-output:{}:{output}",
            base32::encode(&self.hash.fold20())
        );
        DownstreamPlaceholder {
            hash: Hash::sha256(text.as_bytes()),
        }
    }

    /// The string itself.
    pub fn render(&self) -> String {
        render(&self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_those_of_the_reference() {
        assert_eq!(
            placeholder(b"out"),
            "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9"
        );
    }
}
