//! What the open archive does by itself, off the thread that draws: it reads itself while nobody wants anything of it (see
//! [`Idle`]), tells when it found damage, and indexes what is not indexed yet.

use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::{Stream, StreamExt as _, future, stream};
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use crate::archive::{Archive, Idle};
use crate::job::Cancel;

/// Between two small steps, and where there was nothing to do.
const STEP: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_secs(60);

/// How many messages are known to be damaged.
fn number(archive: &Archive) -> Option<usize> {
    archive.found_damaged().ok().map(|damaged| damaged.len())
}

/// Goes on for as long as it is polled. Tells when more or fewer messages are known to be damaged than before.
pub fn idle(archive: Archive) -> impl Stream<Item = ()> {
    let steps =
        stream::unfold((archive, Idle::default(), None, PAUSE), |(archive, mut idle, known, pause)| async move {
            tokio::time::sleep(pause).await;
            let step = spawn_blocking(move || {
                let known = known.or_else(|| number(&archive));
                // What fails is tried again, and a file that is damaged is told of by whoever reads from it.
                let did = idle.tick(&archive, Timestamp::now()).unwrap_or(false);
                let damaged = number(&archive).or(known);
                let news = known != damaged;
                (news, (archive, idle, damaged, if did { STEP } else { PAUSE }))
            });
            step.await.ok()
        });
    steps.filter_map(|news| future::ready(news.then_some(())))
}

/// The first look for what is missing compares every message with the index: the window shows its list before that.
const SETTLED: Duration = Duration::from_secs(1);

/// Between two looks at the list while much is indexed.
const LOOK: Duration = Duration::from_secs(1);

/// Cancels when the stream that holds it is dropped: the window closes without waiting for the index.
struct Stop(Cancel);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Indexes what is missing: after a crash, an update of the program, or damage to the index. Tells whenever there is more
/// to be listed.
pub fn indexing(archive: Archive) -> impl Stream<Item = ()> {
    let (sender, more) = mpsc::unbounded();
    let stop = Stop(Cancel::new());
    let rounds = stream::unfold((archive, sender, stop, SETTLED), |(archive, sender, stop, pause)| async move {
        tokio::time::sleep(pause).await;
        let (indexing, telling, cancel) = (archive.clone(), sender.clone(), stop.0.clone());
        let done = spawn_blocking(move || {
            let mut last = Instant::now();
            let indexed = indexing.index_pending(&cancel, &mut |_| {
                if last.elapsed() >= LOOK {
                    last = Instant::now();
                    let _ = telling.unbounded_send(());
                }
            });
            match indexed {
                Ok(0) => {}
                Ok(_) => _ = telling.unbounded_send(()),
                // It is tried again.
                Err(error) => tracing::warn!(%error, "indexing failed"),
            }
        });
        done.await.ok()?;
        Some(((), (archive, sender, stop, PAUSE)))
    });
    stream::select(more, rounds.filter_map(|()| future::ready(None)))
}
