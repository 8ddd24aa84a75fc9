//! From the start of the process to the first frame of the window, under an X server of the bench's own.

use crate::Scale;

pub fn bench(_: &Scale) {
    println!("  to come");
}
