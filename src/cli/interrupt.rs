//! Ctrl+C and SIGTERM: the first sets the job's token, so that it stops at its next safe point; the second ends the
//! program at once, which loses nothing either.

use crate::job::Cancel;

/// A token that Ctrl+C or SIGTERM sets.
pub fn cancel_on_signal() -> Cancel {
    let cancel = Cancel::new();
    let token = cancel.clone();
    // Without the thread Ctrl+C ends the program at once, as it does everywhere.
    let _ = std::thread::Builder::new().name("signals".into()).spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            stopped().await;
            token.cancel();
            stopped().await;
            std::process::exit(130);
        });
    });
    cancel
}

/// Waits for Ctrl+C or SIGTERM.
#[cfg(unix)]
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => (),
        _ = terminated.recv() => (),
    }
}

/// Waits for Ctrl+C.
#[cfg(not(unix))]
async fn stopped() {
    let _ = tokio::signal::ctrl_c().await;
}
