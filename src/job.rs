//! How a long job is watched and stopped. Fetch, import, export, backup, verify, restore and re-index all take a
//! [`Cancel`] and report [`Progress`]; each looks at the token between two messages and leaves what it touched whole.

/// Set from any thread or task to stop a job at its next safe point.
pub use tokio_util::sync::CancellationToken as Cancel;
/// Sets its token when it is dropped: [`Cancel::drop_guard`].
pub use tokio_util::sync::DropGuard as CancelOnDrop;

/// How far a job has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Messages (or, where a job says so, steps) finished.
    pub done: u64,
    /// How many there are in all; `None` while that is not known.
    pub total: Option<u64>,
    /// Octets of mail finished.
    pub octets: u64,
    /// Octets of mail in all; `None` while that is not known.
    pub octets_total: Option<u64>,
}

impl Progress {
    /// `done` of `total` messages; octets not counted.
    pub fn of(done: u64, total: u64) -> Progress {
        Progress { done, total: Some(total), ..Progress::default() }
    }

    /// The finished part as 0.0..=1.0, by octets where they are known; `None` while the whole is not known.
    pub fn fraction(&self) -> Option<f32> {
        let (done, total) = match (self.octets_total, self.total) {
            (Some(octets), _) if octets > 0 => (self.octets, octets),
            (_, Some(total)) if total > 0 => (self.done, total),
            _ => return None,
        };
        #[allow(clippy::cast_precision_loss)]
        Some((done as f64 / total as f64).min(1.0) as f32)
    }
}

/// Where a job reports to: called on the job's own thread, cheap enough for every message.
pub type Report<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// The user stopped the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stopped by the user")]
pub struct Cancelled;

/// `Err` once the token is set: `unless_cancelled(cancel)?` between two messages.
pub fn unless_cancelled(cancel: &Cancel) -> Result<(), Cancelled> {
    if cancel.is_cancelled() { Err(Cancelled) } else { Ok(()) }
}
