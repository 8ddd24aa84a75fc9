//! The program: everything is in the library.

fn main() -> std::process::ExitCode {
    postkeep::cli::run()
}
