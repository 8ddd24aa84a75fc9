//! Every job stopped half-way leaves whole what it touched.

use std::fs;

use super::{SMALL, archive, contents, damage, files, fill, run, run_in_small_segments};
use crate::backup::back_up::{Options, back_up_with};
use crate::backup::{BackupError, Format, Result, export, import, restore, verify};
use crate::job::Cancel;

/// A token that is cancelled at the `count`th report.
fn stop_at(count: usize) -> (Cancel, impl FnMut() + Send) {
    let cancel = Cancel::new();
    let (token, mut seen) = (cancel.clone(), 0);
    (cancel, move || {
        seen += 1;
        if seen == count {
            token.cancel();
        }
    })
}

fn is_cancelled<T>(result: Result<T>) -> bool {
    matches!(result, Err(BackupError::Cancelled(_)))
}

#[test]
fn a_cancelled_backup_leaves_the_earlier_one() {
    let (_a, source) = archive();
    fill(&source, 0..20);
    let folder = tempfile::tempdir().unwrap();
    run_in_small_segments(&source, folder.path(), &mut |_| {});
    fill(&source, 20..40);
    for count in [1, 5, 15, 25, 35, 42] {
        let (cancel, mut stop) = stop_at(count);
        let mut options = Options { segment: SMALL, moment: &mut |_| {} };
        let result = back_up_with(&mut options, &source, folder.path(), &cancel, &mut |_, _| stop());
        assert!(is_cancelled(result), "at report {count}");
        let verified = verify(folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
        assert_eq!((verified.messages, verified.damaged), (20, vec![]), "at report {count}");
        assert!(!files(folder.path()).keys().any(|name| name.ends_with(".part")), "at report {count}");
    }
    let done = run_in_small_segments(&source, folder.path(), &mut |_| {});
    assert_eq!((done.messages, done.new), (40, 20));
}

#[test]
fn other_jobs_are_cancelled_half_way() {
    let (_a, source) = archive();
    fill(&source, 0..40);
    let folder = tempfile::tempdir().unwrap();
    run(&source, folder.path());

    let (cancel, mut stop) = stop_at(20);
    assert!(is_cancelled(verify(folder.path(), &cancel, &mut |_| stop())));
    assert_eq!(damage(folder.path()), Vec::<String>::new());

    let exports = tempfile::tempdir().unwrap();
    for format in [Format::Mbox, Format::Maildir, Format::Eml, Format::Zip] {
        let (cancel, mut stop) = stop_at(20);
        let place = exports.path().join("export");
        assert!(is_cancelled(export(&source, &place, format, None, &cancel, &mut |_| stop())), "{format:?}");
        assert_eq!(fs::read_dir(exports.path()).unwrap().count(), 0, "{format:?}");
    }

    let (_b, copy) = archive();
    let (cancel, mut stop) = stop_at(20);
    assert!(is_cancelled(restore(&copy, folder.path(), &cancel, &mut |_| stop())));
    assert!(copy.check(true, &Cancel::new(), &mut |_| {}).unwrap().damaged.is_empty());
    restore(&copy, folder.path(), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(contents(&copy), contents(&source));

    let place = exports.path().join("eml");
    export(&source, &place, Format::Eml, None, &Cancel::new(), &mut |_| {}).unwrap();
    let (_c, copy) = archive();
    let (cancel, mut stop) = stop_at(20);
    assert!(is_cancelled(import(&copy, std::slice::from_ref(&place), &cancel, &mut |_| stop())));
    assert!(copy.check(true, &Cancel::new(), &mut |_| {}).unwrap().damaged.is_empty());
    let imported = import(&copy, &[place], &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!((imported.found, imported.failed), (40, vec![]));
    assert_eq!(copy.every_stored().unwrap().len(), 40);
}
