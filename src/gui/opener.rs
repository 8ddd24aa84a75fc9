//! Hands an address to the system's browser or mail program, and a folder to its file manager: one argument of a program, never
//! through a shell. Blocks; called off the drawing thread. Says Ok with nothing to open, too: so what was asked for is said.

use std::path::Path;

use crate::message::links::Address;

/// Opens an address: by its type it is http, https or mailto.
pub fn open(address: &Address) {
    // Nothing more is known of what came of it.
    let _ = open::that_detached(address.as_str());
}

/// Opens a file that this program made, in the program for such files.
pub fn open_file(path: &Path) {
    let _ = open::that_detached(path);
}

/// Opens a folder.
pub fn open_folder(folder: &Path) {
    if folder.is_dir() {
        let _ = open::that_detached(folder);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use crate::message::links::{Target, link};

    /// Every program that might be asked gets the whole address as one argument, and none is a shell.
    #[test]
    fn an_address_is_one_argument_of_a_program() {
        for target in ["https://example.org/?a=b&c;rm -rf $(x)`y`'z'", "mailto:a@b.example?body=--help%0A;x"] {
            let Target::Open(link) = link(target, "") else { panic!("{target}") };
            let address = link.address.as_str();
            for command in open::commands(address) {
                let arguments: Vec<_> = command.get_args().collect();
                assert!(arguments.contains(&address.as_ref()), "{command:?}");
                let program = command.get_program().to_string_lossy().into_owned();
                assert!(!["sh", "bash", "cmd"].iter().any(|shell| program.ends_with(shell)), "{program}");
                assert!(!address.starts_with('-'));
            }
        }
    }
}
