//! What belongs to this user stays so: no memory is written to a disk when the program dies, no file is open to others,
//! and a fault of our own prints nothing of what was at hand.

use std::panic::PanicHookInfo;

use super::print;

/// To be called first of all. `window`: whether the window is to be opened.
pub fn keep_to_ourselves(window: bool) {
    std::panic::set_hook(Box::new(|fault| print::say(&told(fault))));
    #[cfg(unix)]
    close_to_others(window);
    #[cfg(not(unix))]
    let _ = window;
}

/// The place in the program, never the message: that may hold a piece of mail.
fn told(fault: &PanicHookInfo<'_>) -> String {
    let place =
        fault.location().map(|place| format!(": panicked at {}:{}", place.file(), place.line())).unwrap_or_default();
    format!("A fault of this program{place}. Please report it.")
}

#[cfg(unix)]
fn close_to_others(window: bool) {
    use rustix::fs::Mode;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
    umask(Mode::RWXG | Mode::RWXO);
    // One octet, not none: the kernel takes that for a word to a program that collects cores, too (core(5)).
    // The most stays as it is, for programs that we start.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(1), ..getrlimit(Resource::Core) });
    // The portals of a desktop look at who asks for a dialog, and must be able to.
    #[cfg(target_os = "linux")]
    if !window {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = window;
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    #[test]
    fn a_panic_is_told_without_its_words() {
        let heard = Arc::new(Mutex::new(String::new()));
        let hearing = Arc::clone(&heard);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |fault| {
            *hearing.lock().unwrap() += &super::told(fault);
        }));
        let subject = "meet me at noon";
        let caught = std::panic::catch_unwind(|| panic!("no boundary in {subject}"));
        std::panic::set_hook(before);
        assert!(caught.is_err());
        let heard = heard.lock().unwrap();
        assert!(heard.contains("private.rs") && !heard.contains("noon"), "{heard}");
    }
}
