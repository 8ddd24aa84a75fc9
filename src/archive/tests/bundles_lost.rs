//! Mail of which the bytes are whole in a bundle, and what leads to them rotted.

use std::collections::HashMap;

use super::bundles::{places, various};
use super::*;

/// An archive with all of these in one bundle.
fn bundled() -> (TempDir, Archive, Vec<Vec<u8>>, Vec<MessageId>) {
    let (folder, archive) = opened();
    let mail = various();
    let ids = archive.ingest(mail.iter().cloned().map(from_file).collect()).unwrap().into_iter().map(added).collect();
    assert!(places(folder.path()).iter().all(|place| place.1 == Some(1)));
    (folder, archive, mail, ids)
}

fn damaged(archive: &Archive) -> HashMap<Digest, Vec<MessageId>> {
    archive.damaged(&Cancel::new(), &mut no_report()).unwrap().into_iter().collect()
}

fn lose(folder: &Path, sql: &str) {
    tamper(
        folder,
        &format!(
            "PRAGMA foreign_keys = OFF; DROP TRIGGER IF EXISTS body_stays; \
        INSERT INTO rewriting VALUES (1); {sql}; DELETE FROM rewriting"
        ),
    );
}

/// Each way to lose what leads to some messages.
const WAYS: [&str; 4] = [
    "DELETE FROM body WHERE original IN (2, 3, 12)",
    "UPDATE body SET bundle = 9 WHERE original IN (2, 3, 12)",
    "UPDATE body SET bytes = CAST('zzzzzzzzz' AS BLOB) WHERE original IN (2, 3, 12)",
    "UPDATE body SET codec = 1, bundle = NULL WHERE original IN (2, 3, 12)",
];

#[test]
fn mail_to_which_nothing_leads_is_put_back_out_of_its_bundle() {
    for way in WAYS {
        let (folder, archive, mail, ids) = bundled();
        lose(folder.path(), way);
        let mut damaged = damaged(&archive);
        assert_eq!(damaged.len(), 3, "{way}");
        let mut mended = archive.mend_out_of_bundles(&mut damaged, &Cancel::new()).unwrap();
        mended.sort();
        assert_eq!((mended, damaged.len()), (vec![ids[1], ids[2], ids[11]], 0), "{way}");
        for (id, mail) in ids.iter().zip(&mail) {
            assert!(archive.original(*id).unwrap().as_ref() == Some(mail), "{way}: {id:?}");
        }
        let health = archive.check(true, &Cancel::new(), &mut no_report()).unwrap();
        assert_eq!((health.problems, health.damaged), (vec![], vec![]), "{way}");
        assert!(
            places(folder.path()).iter().all(|place| place.1 != Some(1)),
            "{way}: the others were packed without them"
        );
    }
}

/// What is erased takes no other along to which nothing leads.
#[test]
fn a_bundle_that_holds_lost_mail_is_not_packed_anew() {
    for way in WAYS {
        let (folder, archive, mail, ids) = bundled();
        lose(folder.path(), way);
        archive.move_to_bin(&ids[4..5], false, at(9)).unwrap();
        archive.empty_bin(Emptying::Everything, &Cancel::new(), &mut no_report()).unwrap();
        // One by one, as after a mending that was stopped.
        for lost in [1, 2, 11] {
            let digest = Digest::of(&mail[lost]);
            let mut one = HashMap::from([(digest, vec![ids[lost]])]);
            assert_eq!(archive.mend_out_of_bundles(&mut one, &Cancel::new()).unwrap(), [ids[lost]], "{way}");
            assert!(archive.original(ids[lost]).unwrap().as_ref() == Some(&mail[lost]), "{way}");
        }
        assert_eq!(damaged(&archive).len(), 0, "{way}");
        assert_eq!(archive.original(ids[4]).unwrap(), None);
        assert!(places(folder.path()).iter().all(|place| place.1 != Some(1)), "{way}: now it is");
    }
}
