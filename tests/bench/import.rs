//! Import of an mbox: until all is stored, and until all can be searched; and of the same file again. The floor is the
//! least that any import must do: cut the file with mail-parser, parse each message, write its bytes to one file, and
//! bring that to the disk.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use mail_parser::MessageParser;
use mail_parser::mailbox::mbox::MessageIterator;
use postkeep::archive::Archive;
use postkeep::backup::{Imported, import};
use postkeep::demo::generated;
use postkeep::job::Cancel;

use crate::{Scale, timed};

const SEED: u64 = 3;
/// Each is measured so many times, one after the other in turn, and the best counts: others use this machine too.
const TIMES: usize = 3;

pub fn bench(scale: &Scale) {
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk of the checkout");
    let mbox = folder.path().join("mail.mbox");
    let written = write_mbox(&mbox, scale.imported);
    let octets = fs::metadata(&mbox).expect("the mbox").len();
    println!("  {written} messages, {:.0} MB, seed {SEED}", octets as f64 / 1e6);
    let mut best = [Duration::MAX; 4];
    for _ in 0..TIMES {
        let (parsed, floor) = timed(|| parse_and_write(&mbox, &folder.path().join("floor")));
        let place = tempfile::tempdir_in(".").expect("a folder on the disk of the checkout");
        let (first, stored, total) = import_into(place.path(), &mbox);
        let (again, _, unchanged) = import_into(place.path(), &mbox);
        assert_eq!((parsed, first.added, again.already_here), (written, written, written));
        for (best, time) in best.iter_mut().zip([floor, stored, total, unchanged]) {
            *best = time.min(*best);
        }
    }
    let labels = [
        "floor: parsed by mail-parser, written to one file",
        "import: all stored, synchronous=FULL",
        "import: all indexed too",
        "import again: nothing new",
    ];
    for (label, time) in labels.into_iter().zip(best) {
        let seconds = time.as_secs_f64();
        println!(
            "  {label:<50} {seconds:>7.2} s {:>8.0} messages/s {:>7.1} MB/s  {:>4.0} % of the floor's speed",
            written as f64 / seconds,
            octets as f64 / 1e6 / seconds,
            100.0 * best[0].as_secs_f64() / seconds,
        );
    }
}

/// Generated messages, each once, with line feeds as in any mbox; answers how many.
fn write_mbox(path: &Path, count: usize) -> u64 {
    let mut file = BufWriter::new(File::create(path).expect("a file"));
    let mut written = 0;
    for (number, message) in generated(count, SEED).enumerate() {
        let head = format!("From a@example.org Tue Aug  9 19:30:42 2005\nX-Number: {number}\n");
        file.write_all(head.as_bytes()).expect("written");
        for line in message.split_inclusive(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r\n").or(line.strip_suffix(b"\n")).unwrap_or(line);
            if line.strip_prefix(b"From ").is_some() {
                file.write_all(b">").expect("written");
            }
            file.write_all(line).expect("written");
            file.write_all(b"\n").expect("written");
        }
        file.write_all(b"\n").expect("written");
        written += 1;
    }
    file.into_inner().expect("written").sync_all().expect("on the disk");
    written
}

fn parse_and_write(mbox: &Path, out: &Path) -> u64 {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(out).expect("a file"));
    let (mut parsed, parser) = (0, MessageParser::default());
    for message in MessageIterator::new(BufReader::with_capacity(1 << 20, File::open(mbox).expect("the mbox"))) {
        let message = message.expect("a message");
        assert!(parser.parse(message.contents()).is_some_and(|parsed| !parsed.parts.is_empty()));
        file.write_all(message.contents()).expect("written");
        parsed += 1;
    }
    file.into_inner().expect("written").sync_all().expect("on the disk");
    parsed
}

/// Answers after how long all was stored, and after how long all was indexed.
fn import_into(archive: &Path, mbox: &Path) -> (Imported, Duration, Duration) {
    let archive = Archive::open(archive).expect("an archive");
    let begun = Instant::now();
    let mut stored = None;
    // Octets are counted while the files are read; the first report without them comes when all is stored.
    let done = import(&archive, &[mbox.to_owned()], &Cancel::new(), &mut |progress| {
        if progress.octets_total.is_none() {
            stored.get_or_insert_with(|| begun.elapsed());
        }
    });
    let total = begun.elapsed();
    (done.expect("imported"), stored.unwrap_or(total), total)
}
