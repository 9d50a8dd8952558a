//! Builds derivations in a Linux sandbox.
