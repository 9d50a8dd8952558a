//! Runs the corpus of recorded reference answers through the binary.

fn main() -> std::process::ExitCode {
    nivis_corpus::run(env!("CARGO_BIN_EXE_nivis").as_ref())
}
