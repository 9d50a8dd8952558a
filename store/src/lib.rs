//! Store paths, hashes, NAR archives, derivations and the store database.
