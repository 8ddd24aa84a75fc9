//! What each mail program keeps, made here in small, is imported: the bytes, the marks, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::archive;
use crate::archive::{Archive, Marks};
use crate::backup::{Imported, import};
use crate::job::Cancel;

/// Files as a program lays them out.
struct Layout {
    program: &'static str,
    /// Folders that are there even if empty.
    folders: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
    /// Message, read, starred.
    messages: &'static [(&'static str, bool, bool)],
    left_out: u64,
    /// A word of each sentence about what could not be imported, and of each note.
    failed: &'static [&'static str],
    notes: &'static [&'static str],
}

const NOTHING: Layout =
    Layout { program: "", folders: &[], files: &[], messages: &[], left_out: 0, failed: &[], notes: &[] };

const LAYOUTS: &[Layout] = &[
    Layout {
        program: "Thunderbird, mbox",
        files: &[
            (
                "Mail/pop.example.org/Inbox",
                "From - Tue Aug  9 19:30:42 2005\nX-Mozilla-Status: 0005\nSubject: one\n\n>From me\n\n\
                 From - Tue Aug  9 19:30:43 2005\nX-Mozilla-Status: 0009\nSubject: expunged\n\nx\n\n",
            ),
            ("Mail/pop.example.org/Inbox.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n"),
            ("Mail/pop.example.org/Sent", ""),
            ("Mail/pop.example.org/Inbox.sbd/Work", "From - Tue Aug  9 19:30:42 2005\nSubject: two\n\nx\n"),
            ("Mail/pop.example.org/Inbox.sbd/Work.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n"),
            ("Mail/pop.example.org/popstate.dat", "# POP3 State File\n"),
            ("ImapMail/imap.example.org/INBOX", "From - Tue Aug  9 19:30:42 2005\r\nSubject: three\r\n\r\nx\r\n\r\n"),
            ("prefs.js", "// Mozilla User Preferences\n"),
        ],
        messages: &[
            ("X-Mozilla-Status: 0005\nSubject: one\n\nFrom me\n", true, true),
            ("Subject: two\n\nx\n", false, false),
            ("Subject: three\r\n\r\nx\r\n", false, false),
        ],
        left_out: 1,
        ..NOTHING
    },
    Layout {
        program: "Thunderbird, maildir",
        folders: &["Inbox/tmp"],
        files: &[
            ("Inbox/cur/1123615842.eml", "X-Mozilla-Status: 0001\r\nSubject: one\r\n\r\n"),
            ("Inbox/cur/1123615843.eml", "X-Mozilla-Status: 0008\r\nSubject: expunged\r\n\r\n"),
            ("Inbox.msf", "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n"),
        ],
        messages: &[("X-Mozilla-Status: 0001\r\nSubject: one\r\n\r\n", true, false)],
        left_out: 1,
        ..NOTHING
    },
    Layout {
        program: "Maildir++ (Dovecot, Evolution)",
        folders: &["new", "tmp", ".Sent/new", ".Sent/tmp", ".Work.Plans/new"],
        files: &[
            ("cur/1.a.host:2,FS", "Subject: one\n\n"),
            ("cur/2.a.host:2,ST", "Subject: trashed\n\n"),
            ("new/3.a.host", "Subject: two\n\n"),
            ("tmp/4.a.host", "Subject: not delivered\n\n"),
            (".Sent/cur/5.a.host:2,S", "From a Tue Aug  9 19:30:42 2005\nSubject: three\n\n"),
            (".Work.Plans/cur/6.a.host:2,", "Subject: four\n\n"),
            (".#evolution/ibex.index", "ibex"),
            ("dovecot-uidlist", "3 V1 N2\n1 :1.a.host\n"),
            ("maildirfolder", ""),
        ],
        messages: &[
            ("Subject: one\n\n", true, true),
            ("Subject: two\n\n", false, false),
            ("From a Tue Aug  9 19:30:42 2005\nSubject: three\n\n", true, false),
            ("Subject: four\n\n", false, false),
        ],
        left_out: 1,
        ..NOTHING
    },
    Layout {
        program: "MH",
        files: &[
            ("inbox/.mh_sequences", "unseen: 2-3\nflagged: 3\n"),
            ("inbox/1", "Subject: one\n\n"),
            ("inbox/2", "Subject: two\n\n"),
            ("inbox/3", "Subject: three\n\n"),
            ("inbox/,4", "Subject: removed\n\n"),
            ("inbox/notes", "Subject: no number\n\n"),
            ("inbox/sub/7", "Subject: in a folder without sequences\n\n"),
            ("inbox/sub/8", "no message\n"),
        ],
        messages: &[
            ("Subject: one\n\n", true, false),
            ("Subject: two\n\n", false, false),
            ("Subject: three\n\n", false, true),
            ("Subject: in a folder without sequences\n\n", false, false),
        ],
        left_out: 1,
        ..NOTHING
    },
    Layout {
        program: "Apple Mail",
        files: &[
            (
                "V10/1D-2E/INBOX.mbox/3F/Data/1/Messages/101.emlx",
                "14        \nSubject: one\n\n<plist><dict><key>flags</key><integer>17</integer></dict></plist>",
            ),
            (
                "V10/1D-2E/INBOX.mbox/3F/Data/1/Messages/102.partial.emlx",
                "14\nSubject: two\n\n<plist><dict><key>flags</key><integer>0</integer></dict></plist>",
            ),
            (
                "V10/1D-2E/INBOX.mbox/3F/Data/1/Messages/103.emlx",
                "16\nSubject: three\n\n<plist><dict><key>flags</key><integer>2</integer></dict></plist>",
            ),
            ("V10/1D-2E/INBOX.mbox/3F/Data/1/Messages/104.emlx", "1400\nSubject: cut short\n\n"),
            ("V10/1D-2E/INBOX.mbox/3F/Data/1/Messages/._101.emlx", "\0\u{5}\u{16}\u{7}"),
            ("V10/1D-2E/INBOX.mbox/Info.plist", "<plist/>"),
            ("V2/POP-a/Old.mbox/Messages/7.emlx", "15\nSubject: four\n\n<plist/>"),
            ("Exported.mbox/mbox", "From a Tue Aug  9 19:30:42 2005\nStatus: RO\nSubject: five\n\nx\n"),
            ("Exported.mbox/table_of_contents", "\0\0"),
        ],
        messages: &[
            ("Subject: one\n\n", true, true),
            ("Subject: two\n\n", false, false),
            ("Subject: four\n\n", false, false),
            ("Status: RO\nSubject: five\n\nx\n", true, false),
        ],
        left_out: 1,
        failed: &["104.emlx is cut short"],
        notes: &["One message of Apple Mail is incomplete"],
        ..NOTHING
    },
    Layout {
        program: "Gmail Takeout",
        files: &[(
            "Takeout/Mail/All mail Including Spam and Trash.mbox",
            "From 1756@xxx Tue Aug 09 19:30:42 +0000 2005\r\nX-GM-THRID: 1\r\nX-Gmail-Labels: Inbox,Opened\r\nSubject: one\r\n\r\nx\r\n\r\n\
             From 1757@xxx Tue Aug 09 19:30:42 +0000 2005\r\nX-Gmail-Labels: Inbox,Unread,Starred\r\nSubject: two\r\n\r\nx\r\n",
        )],
        messages: &[
            ("X-GM-THRID: 1\r\nX-Gmail-Labels: Inbox,Opened\r\nSubject: one\r\n\r\nx\r\n", true, false),
            ("X-Gmail-Labels: Inbox,Unread,Starred\r\nSubject: two\r\n\r\nx\r\n", false, true),
        ],
        ..NOTHING
    },
    Layout {
        program: "Windows Live Mail, and any tree of .eml",
        files: &[
            ("Storage Folders/Inbox/1A2B.eml", "From: a\r\n\r\nx"),
            ("Storage Folders/Inbox/two.EML", "\r\nno header"),
            ("Storage Folders/edb.log", "\0\u{1}"),
        ],
        messages: &[("From: a\r\n\r\nx", false, false), ("\r\nno header", false, false)],
        ..NOTHING
    },
    Layout {
        program: "Outlook",
        files: &[
            ("Outlook.pst", "!BDN"),
            ("a.msg", "\u{1}"),
            ("b.OST", "!BDN"),
            ("c.olm", "PK"),
            ("d.dbx", "\u{1}"),
            ("e.eml", "Subject: one\n\n"),
        ],
        messages: &[("Subject: one\n\n", false, false)],
        failed: &["Outlook.pst", "a.msg", "b.OST", "(.olm)", "(.dbx)"],
        ..NOTHING
    },
];

impl Layout {
    fn make(&self) -> TempDir {
        let place = tempfile::tempdir().unwrap();
        self.folders.iter().for_each(|folder| fs::create_dir_all(place.path().join(folder)).unwrap());
        for (name, content) in self.files {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        place
    }
}

fn imported(archive: &Archive, path: &Path) -> Imported {
    import(archive, &[path.to_owned()], &Cancel::new(), &mut |_| {}).unwrap()
}

fn stored(archive: &Archive) -> BTreeMap<String, Marks> {
    let stored = archive.every_stored().unwrap().into_iter();
    stored
        .map(|stored| (String::from_utf8(archive.original(stored.id).unwrap().unwrap()).unwrap(), stored.marks))
        .collect()
}

#[test]
fn what_each_program_keeps_is_imported() {
    for layout in LAYOUTS {
        let place = layout.make();
        let (_a, archive) = archive();
        let first = imported(&archive, place.path());
        let name = layout.program;
        let expected: BTreeMap<String, Marks> = layout
            .messages
            .iter()
            .map(|(message, read, starred)| ((*message).to_owned(), Marks { read: *read, starred: *starred }))
            .collect();
        assert_eq!(stored(&archive), expected, "{name}");
        let messages = layout.messages.len() as u64;
        assert_eq!((first.added, first.already_here, first.left_out), (messages, 0, layout.left_out), "{name}");
        assert_eq!(first.found, messages + first.failed.len() as u64, "{name}");
        for (sentences, words) in [(&first.failed, layout.failed), (&first.notes, layout.notes)] {
            assert_eq!(sentences.len(), words.len(), "{name}: {sentences:?}");
            for word in words {
                assert!(sentences.iter().any(|sentence| sentence.contains(word)), "{name}: {word} {sentences:?}");
            }
            assert!(sentences.iter().all(|sentence| sentence.ends_with('.')), "{name}: {sentences:?}");
        }
        let counts = archive.counts().unwrap();
        assert_eq!((counts.all, counts.to_index), (messages, 0), "{name}: all can be searched");
        let again = imported(&archive, place.path());
        let expected = Imported { added: 0, already_here: messages, ..first };
        assert_eq!(again, expected, "{name}: again");
    }
}
