//! Tests of the import from Outlook.

/// Real files are not part of the repository: named by `POSTKEEP_OUTLOOK_FILES`, a folder, they are read and written out.
#[test]
#[ignore = "by hand, with files of one's own"]
fn files_of_ones_own() {
    use super::*;
    let Some(folder) = std::env::var_os("POSTKEEP_OUTLOOK_FILES") else { return };
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = std::fs::read(&path) else { continue };
        let mut all = Vec::new();
        let started = std::time::Instant::now();
        if bytes.starts_with(DATA_FILE) {
            let mut file = match DataFile::open(io::Cursor::new(&bytes), 256 << 20) {
                Ok(file) => file,
                Err(why) => { eprintln!("{} {why}", path.display()); continue }
            };
            eprintln!("{} damaged {} password {}", path.display(), file.is_damaged(), file.has_password());
            while let Some(taken) = file.next_message().unwrap() { all.push(taken); }
        } else if bytes.starts_with(COMPOUND) {
            all.extend(message_file(&bytes, 256 << 20));
        }
        let out = path.with_extension("out");
        let _ = std::fs::create_dir(&out);
        let mut tally = Tally::default();
        for (n, taken) in all.iter().enumerate() {
            tally.count(taken);
            match taken {
                Taken::Mail(mail) => std::fs::write(out.join(format!("{n}.eml")), &mail.bytes).unwrap(),
                Taken::Failed(why) => eprintln!("  {n} {why}"),
                Taken::NotMail => (),
            }
        }
        eprintln!("{} {:?} {:?}", path.display(), started.elapsed(), tally);
    }
}
