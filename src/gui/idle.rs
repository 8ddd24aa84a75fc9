//! What the open archive does by itself while nobody wants anything of it: see [`Idle`]. Off the thread that draws, and
//! never shown: what is found is told by `check`.

use std::time::Duration;

use futures::{Stream, StreamExt as _, future, stream};
use jiff::Timestamp;
use tokio::task::spawn_blocking;

use crate::archive::{Archive, Idle};

/// Between two small steps, and where there was nothing to do.
const STEP: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_secs(60);

/// Goes on for as long as it is polled, and says nothing.
pub fn idle<T>(archive: Archive) -> impl Stream<Item = T> {
    let steps = stream::unfold((archive, Idle::default(), PAUSE), |(archive, mut idle, pause)| async move {
        tokio::time::sleep(pause).await;
        let step = spawn_blocking(move || {
            // What fails is tried again, and a file that is damaged is told of by whoever reads from it.
            let did = idle.tick(&archive, Timestamp::now()).unwrap_or(false);
            (archive, idle, if did { STEP } else { PAUSE })
        });
        step.await.ok().map(|next| ((), next))
    });
    steps.filter_map(|()| future::ready(None))
}
