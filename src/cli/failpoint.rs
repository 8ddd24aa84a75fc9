//! Fail points, in debug builds only: a step of the program, named by the `phase` of the event it emits, at which a test
//! has the process killed or stopped.
//!
//! `POSTKEEP_FAILPOINT=NAME` kills it (SIGKILL, by itself, before the step's next instruction) when the event of that
//! phase is emitted for the first time, `NAME:3` at the third, `NAME:3:pause` stops it there (SIGSTOP) instead.
//! Release builds have none of this. `tests/power.rs` plays every phase that the sources name.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The environment variable that names the point.
const VARIABLE: &str = "POSTKEEP_FAILPOINT";
/// The field of an event that makes it a point.
const FIELD: &str = "phase";

struct FailPoint {
    name: String,
    at: u64,
    signal: Signal,
    seen: AtomicU64,
}

/// Whether the environment names a point.
pub fn is_set() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// The layer that plays the point which the environment names, if it names one.
pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>() -> Option<impl Layer<S>> {
    let point = FailPoint::of(&std::env::var(VARIABLE).ok()?);
    Some(point.with_filter(filter_fn(|event| event.fields().field(FIELD).is_some())))
}

impl FailPoint {
    fn of(text: &str) -> FailPoint {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().to_owned();
        let at = parts.next().and_then(|at| at.parse().ok()).unwrap_or(1);
        let signal = if parts.next() == Some("pause") { Signal::STOP } else { Signal::KILL };
        FailPoint { name, at, signal, seen: AtomicU64::new(0) }
    }
}

impl<S: Subscriber> Layer<S> for FailPoint {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut is_it = Is { name: &self.name, found: false };
        event.record(&mut is_it);
        if is_it.found && self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.at {
            // SIGKILL to oneself: the call does not return.
            let _ = kill_process(getpid(), self.signal);
            if self.signal == Signal::STOP {
                // Another thread may be the first to stop; this one waits for it.
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        }
    }
}

/// Whether an event's phase has this name.
struct Is<'a> {
    name: &'a str,
    found: bool,
}

impl Visit for Is<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.found |= field.name() == FIELD && value == self.name;
    }

    fn record_debug(&mut self, _field: &Field, _value: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_variable_may_say() {
        for (text, name, at, signal) in [
            ("commit", "commit", 1, Signal::KILL),
            ("before COMMIT:7", "before COMMIT", 7, Signal::KILL),
            ("DELE answered:2:pause", "DELE answered", 2, Signal::STOP),
        ] {
            let point = FailPoint::of(text);
            assert_eq!((point.name.as_str(), point.at, point.signal), (name, at, signal), "{text}");
        }
    }
}
