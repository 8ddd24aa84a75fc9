//! `check --repair` and `check --compact`: bits flipped over the stored mail are mended from a backup, and only by what was
//! stored; killed at any step of packing and of giving room back, an archive of an older version holds what it held.
#![cfg(all(target_os = "linux", debug_assertions))]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::print_stdout)]

#[path = "support/bench.rs"]
mod bench;
mod support;
#[path = "support/version_one.rs"]
mod version_one;

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use rusqlite::{Connection, params};
use support::{Dice, expect, json_lines, postkeep};
use version_one::Old;

const SEED: u64 = 0x0ea1;
const MAIL: usize = 40;

fn compacting(old: &Old) -> Command {
    let mut command = postkeep(&old.archive());
    command.args(["check", "--compact", "--json"]);
    command
}

#[test]
fn killed_at_any_step_of_compacting_it_holds_what_it_held() {
    let old = Old::with_pages(SEED, MAIL, 16_384);
    let mut kills = 0;
    for (point, steps) in [
        ("bundle half written", 1),
        ("bundle without members", 1),
        ("bytes replaced", 1),
        ("before COMMIT", 1),
        ("after COMMIT", 1),
        ("writing anew", 2),
        ("written anew", 1),
    ] {
        for at in (1..).step_by(steps) {
            let when = format!("killed at {point}:{at}");
            old.begin();
            let output = compacting(&old)
                .env("POSTKEEP_FAILPOINT", format!("{point}:{at}"))
                .output()
                .expect("the program starts");
            old.holds_what_it_held(&when);
            if output.status.signal() != Some(9) {
                assert!(output.status.success(), "{when}: {}", String::from_utf8_lossy(&output.stderr));
                break;
            }
            kills += 1;
            expect(&mut compacting(&old), 0);
            old.holds_what_it_held(&format!("{when}, and again"));
        }
    }
    println!("{kills} kills while compacting, {MAIL} messages, seed {SEED:#x}");
    assert!(kills > 10, "{kills}");
}

#[test]
fn an_old_archive_gets_smaller_and_keeps_its_bytes() {
    let old = Old::new(SEED, MAIL);
    old.begin();
    let line = json_lines(&expect(&mut compacting(&old), 0)).remove(0);
    let [before, after] = [0, 1].map(|at| line["compacted"][at].as_u64().expect("octets"));
    assert!(after < before, "{line}");
    old.holds_what_it_held("packed");
    let connection = Connection::open(old.archive().join("mail.db")).expect("it opens");
    let packed: i64 =
        connection.query_row("SELECT count(*) FROM body WHERE codec <> 0", [], |row| row.get(0)).expect("a number");
    assert!(packed > 0, "nothing was packed");
}

/// Every value of every table but those of the bytes, so that a repair is seen to change nothing else.
fn everything_else(archive: &Path) -> Vec<String> {
    let connection = Connection::open(archive.join("mail.db")).expect("it opens");
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").expect("a list");
    let names: Vec<String> =
        names.query_map([], |row| row.get(0)).expect("names").collect::<Result<_, _>>().expect("names");
    let mut values = Vec::new();
    for name in names.iter().filter(|name| !matches!(name.as_str(), "body" | "piece")) {
        let mut rows = connection.prepare(&format!("SELECT * FROM \"{name}\" ORDER BY 1")).expect("a table");
        let columns = rows.column_count();
        let mut rows = rows.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let row: Vec<String> =
                (0..columns).map(|column| format!("{:?}", row.get_ref(column).expect("a value"))).collect();
            values.push(format!("{name}: {}", row.join(", ")));
        }
    }
    values
}

#[test]
fn flipped_bits_are_mended_from_a_backup_and_nothing_else_is_touched() {
    let old = Old::with_pages(SEED, MAIL, 16_384);
    old.begin();
    let backup = old.folder.path().join("backup");
    expect(postkeep(&old.archive()).arg("backup").arg(&backup), 0);
    expect(&mut compacting(&old), 0);
    let file = old.archive().join("mail.db");
    let (whole, before) = (fs::read(&file).expect("the archive"), everything_else(&old.archive()));
    let mut dice = Dice(SEED);
    let mut mended = 0;
    for round in 0..20 {
        let mut spoilt = whole.clone();
        let bodies = bodies(&file);
        for _ in 0..1 + round % 4 {
            let body = &bodies[dice.below(bodies.len() as u64) as usize];
            let at = whole.windows(body.len()).position(|window| window == body).expect("it stands in the file");
            spoilt[at + dice.below(body.len() as u64) as usize] ^= 1 << dice.below(8);
        }
        fs::write(&file, &spoilt).expect("written");
        let when = format!("round {round}");
        let arguments = ["check", "--json", "--full"];
        let damaged = json_lines(&expect(postkeep(&old.archive()).args(arguments), 1)).remove(0);
        let named: Vec<_> =
            damaged["damaged"].as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
        let repaired = expect(postkeep(&old.archive()).args(arguments).arg("--repair").arg(&backup), 0);
        let repaired = json_lines(&repaired).remove(0);
        assert_eq!(repaired["repaired"].as_array(), Some(&named), "{when}: {repaired}");
        assert_eq!(repaired["not_repaired"].as_array().map(Vec::len), Some(0), "{when}");
        old.holds_what_it_held(&when);
        assert_eq!(everything_else(&old.archive()), before, "{when}");
        mended += named.len();
        fs::write(&file, &whole).expect("written");
    }
    println!("{mended} messages mended in 20 rounds, seed {SEED:#x}");
    assert!(mended > 20, "{mended}");
}

/// What stands in the tables of bytes.
fn bodies(file: &Path) -> Vec<Vec<u8>> {
    let connection = Connection::open(file).expect("it opens");
    // A piece of a bundle is as good as some of its members: else hardly any would be hit.
    let sql = "SELECT bytes FROM body UNION ALL SELECT bytes FROM piece JOIN (VALUES (1), (2), (3), (4), (5))";
    let mut statement = connection.prepare(sql).expect("a table");
    // A long message by itself is broken into pages: the part in the leaf is whole in the file.
    statement
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .expect("rows")
        .map(|bytes| bytes.expect("bytes"))
        .filter(|bytes| !(1_500..10_000).contains(&bytes.len()))
        .collect()
}

#[test]
fn what_the_backup_does_not_hold_stays_damaged_and_is_named() {
    let old = Old::new(SEED, MAIL);
    old.begin();
    let backup = old.folder.path().join("backup");
    expect(postkeep(&old.archive()).arg("backup").arg(&backup), 0);
    let file = old.folder.path().join("late.eml");
    fs::write(&file, "Subject: late\r\n\r\nnot in the backup\r\n").expect("written");
    expect(postkeep(&old.archive()).arg("import").arg(&file), 0);
    let connection = Connection::open(old.archive().join("mail.db")).expect("it opens");
    connection.execute_batch("INSERT INTO rewriting VALUES (1)").expect("a row");
    for id in [3, MAIL as i64 + 1] {
        connection.execute("UPDATE body SET bytes = x'00' WHERE original = ?1", params![id]).expect("changed");
    }
    connection.execute_batch("DELETE FROM rewriting").expect("a row");
    drop(connection);
    let output = expect(postkeep(&old.archive()).args(["check", "--json", "--repair"]).arg(&backup), 1);
    let line = json_lines(&output).remove(0);
    assert_eq!(line["repaired"].to_string(), "[3]");
    assert_eq!(line["damaged"][0]["id"], MAIL + 1);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("Message {} could not be repaired", MAIL + 1)), "{said}");
    assert!(said.contains("Message 3 was repaired"), "{said}");
}

#[test]
fn an_archive_that_could_not_be_repaired_is_not_called_sound() {
    let old = Old::new(SEED, MAIL);
    old.begin();
    let backup = old.folder.path().join("backup");
    expect(postkeep(&old.archive()).arg("backup").arg(&backup), 0);
    let file = old.folder.path().join("late.eml");
    fs::write(&file, format!("Subject: late\r\n\r\n{}\r\n", "not in the backup ".repeat(9))).expect("written");
    expect(postkeep(&old.archive()).arg("import").arg(&file), 0);
    let connection = Connection::open(old.archive().join("mail.db")).expect("it opens");
    // Its length stays: only who reads it finds it.
    let spoil = "INSERT INTO rewriting VALUES (1);
        UPDATE body SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS BLOB)
        WHERE original = (SELECT max(original) FROM body); DELETE FROM rewriting";
    connection.execute_batch(spoil).expect("changed");
    drop(connection);
    expect(postkeep(&old.archive()).arg("check"), 0);
    let output = expect(postkeep(&old.archive()).args(["check", "--json", "--repair"]).arg(&backup), 1);
    assert_eq!(json_lines(&output).remove(0)["ok"], false);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("could not be repaired") && said.contains("The archive is still damaged."), "{said}");
    assert!(!said.contains("is sound"), "{said}");
    let full = expect(postkeep(&old.archive()).args(["check", "--full"]), 1);
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert_eq!(said.matches(&format!("Message {}", MAIL + 1)).count(), 1, "{said}");
    assert!(said.contains("postkeep check --repair BACKUP"), "{said}");
}
