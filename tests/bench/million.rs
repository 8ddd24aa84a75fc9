//! An archive of 1,000,000 messages: the first 100 rows of each kind of query, the window's start and its memory. The
//! messages are the short ones of the generated mail, up to [`SHORT`] octets. Filling it takes a quarter of an hour, so
//! the archive stays in the build folder, and the next run opens it again.

use std::fs;
use std::path::{Path, PathBuf};

use postkeep::archive::Archive;
use postkeep::demo::generated;
use postkeep::job::Cancel;

use crate::search::{SEED, ask_each, store};
use crate::{Scale, start, timed};

/// About three in five of the generated messages are no longer than this.
const SHORT: usize = 6_000;

pub fn bench(scale: &Scale) {
    let count = scale.many;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("messages-{count}"));
    let archive = Archive::open(&folder).expect("an archive");
    let filled = folder.with_extension("filled");
    if filled.exists() {
        println!("  {count} messages, kept from a run before");
    } else {
        let mut octets = 0;
        let short = generated(usize::MAX, SEED).filter(|message| message.len() <= SHORT).take(count);
        let ((), stored) = timed(|| store(&archive, short.inspect(|message| octets += message.len())));
        println!("  {count} messages of {} MB: stored in {:.1} s", octets / 1_000_000, stored.as_secs_f64());
        fs::write(filled, "").expect("a note that all of them are in");
    }
    let (_, indexed) = timed(|| archive.index_pending(&Cancel::new(), &mut |_| {}).expect("an index"));
    println!(
        "  indexed in {:.1} s; mail.db {} MB, index.db {} MB",
        indexed.as_secs_f64(),
        megabytes(&folder, "mail.db"),
        megabytes(&folder, "index.db")
    );
    ask_each(&archive);
    drop(archive);
    start::beside_small(&folder, &format!("{count} messages"));
}

fn megabytes(folder: &Path, name: &str) -> u64 {
    fs::metadata(folder.join(name)).map_or(0, |file| file.len() / 1_000_000)
}
