//! Mutants of power, crashes and storage (FAULTS.md 1-18). How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[Change {
    file: "src/archive/open.rs",
    from: "synchronous == 2,",
    to: r#"synchronous == 2 || crate::mutant("synchronous-normal") || crate::mutant("normal-is-as-good"),"#,
}];

pub const MUTANTS: &[Mutant] = &[
    // 1: half a message is committed.
    Mutant {
        name: "commit-by-halves",
        file: "src/archive/ingest.rs",
        from: r#"    tracing::trace!(phase = "original without body");"#,
        to: r#"    if crate::mutant("commit-by-halves") {
        transaction.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
    }
    tracing::trace!(phase = "original without body");"#,
        killed_by: ("power", "killed_amid_a_message"),
    },
    // 3b: not waiting for the disk at COMMIT. (The other, DELE before COMMIT, is in protocol.rs.)
    Mutant {
        name: "synchronous-normal",
        file: "src/archive/open.rs",
        from: r#"("synchronous", "FULL")"#,
        to: r#"("synchronous", if crate::mutant("synchronous-normal") { "NORMAL" } else { "FULL" })"#,
        killed_by: ("power_cut", "two_hundred_states_are_enough_to_catch_a_mutant"),
    },
    Mutant {
        name: "dele-before-the-power-cut",
        file: "src/fetch/run.rs",
        from: "",
        to: "",
        killed_by: ("power_cut", "two_hundred_states_are_enough_to_catch_a_mutant"),
    },
    // 4: a COMMIT that failed is taken for one that did not.
    Mutant {
        name: "failed-commit-is-one",
        file: "src/archive/connections.rs",
        from: "    transaction.commit()?;\n    tracing::trace!(phase = \"after COMMIT\");",
        to: r#"    match transaction.commit() {
        Err(error) if !crate::mutant("failed-commit-is-one") => return Err(error.into()),
        _ => {}
    }
    tracing::trace!(phase = "after COMMIT");"#,
        killed_by: ("storage_io", "no_dele_after_a_failed_fsync"),
    },
    Mutant {
        name: "folder-sync-may-fail",
        file: "src/archive/open.rs",
        from: "        Err(error) => Err(ArchiveError::DiskError { folder: folder.to_owned(), detail: error.to_string() }),",
        to: r#"        Err(_) if crate::mutant("folder-sync-may-fail") => Ok(()),
        Err(error) => Err(ArchiveError::DiskError { folder: folder.to_owned(), detail: error.to_string() }),"#,
        killed_by: ("storage_io", "no_dele_after_a_failed_fsync"),
    },
    Mutant {
        name: "failed-read-is-no-doubt",
        file: "src/archive/connections.rs",
        from: "        if failed | bundles::was_unreadable() {",
        to: r#"        if failed | bundles::was_unreadable() && !crate::mutant("failed-read-is-no-doubt") {"#,
        killed_by: ("storage_io", "no_read_that_fails_goes_unnoticed"),
    },
    // 5: an error where none is expected.
    Mutant {
        name: "a-failed-write-panics",
        file: "src/archive/connections.rs",
        from: "            let error = error.diagnosed(&self.shared.folder);",
        to: r#"            let error = error.diagnosed(&self.shared.folder);
            assert!(!crate::mutant("a-failed-write-panics"), "{error}");"#,
        killed_by: ("storage_io", "no_call_that_fails_loses_or_doubles_anything"),
    },
    // 7: a full disk that is not told from a failed one.
    Mutant {
        name: "full-is-broken",
        file: "src/archive/error.rs",
        from: "            Some(ErrorCode::DiskFull) => ArchiveError::DiskFull { folder },",
        to: r#"            Some(ErrorCode::DiskFull) if !crate::mutant("full-is-broken") => ArchiveError::DiskFull { folder },"#,
        killed_by: ("disk_full", "a_commit_that_meets_a_full_disk_leaves_the_archive_whole"),
    },
    // 8: files that nobody can find any more.
    Mutant {
        name: "written-into-nowhere",
        file: "src/archive/open.rs",
        from: "    there.is_ok_and(|there| held.metadata()",
        to: r#"    crate::mutant("written-into-nowhere") || there.is_ok_and(|there| held.metadata()"#,
        killed_by: ("storage", "a_folder_removed_in_mid_fetch_removes_nothing_from_the_server"),
    },
    Mutant {
        name: "index-in-the-mount-point",
        file: "src/archive/open.rs",
        from: "    if folder.join(MAIL).try_exists().map_err(|error| ArchiveError::io(path, error))? {",
        to: r#"    let there = folder.join(MAIL).try_exists().map_err(|error| ArchiveError::io(path, error))?;
    if there || crate::mutant("index-in-the-mount-point") {"#,
        killed_by: ("storage", "a_drive_pulled_out_leaves_an_empty_mount_point_empty"),
    },
    // 9: bits that rot.
    Mutant {
        name: "check-compares-no-hashes",
        file: "src/archive/health.rs",
        from: "                Some(bytes) if Digest::of(&bytes) != row.digest => Some(CHANGED),",
        to: r#"                Some(_) if crate::mutant("check-compares-no-hashes") => None,
                Some(bytes) if Digest::of(&bytes) != row.digest => Some(CHANGED),"#,
        killed_by: ("storage", "a_flipped_bit_is_found_or_in_no_message"),
    },
    // 10: files that are cut short or beside the wrong ones.
    Mutant {
        name: "rot-is-shown",
        file: "src/archive/original.rs",
        from: ".filter(|bytes| Digest::of(bytes) == digest)",
        to: r#".filter(|bytes| crate::mutant("rot-is-shown") || Digest::of(bytes) == digest)"#,
        killed_by: ("lib", "archive::tests::health::what_rotted_is_refused_in_whatever_form_it_is_stored"),
    },
    Mutant {
        name: "made-over-an-empty-file",
        file: "src/archive/open.rs",
        from: "    if header.is_empty() {",
        to: r#"    if header.is_empty() && crate::mutant("made-over-an-empty-file") {
        return Ok(Found::Nothing);
    }
    if header.is_empty() {"#,
        killed_by: ("storage", "a_file_cut_short_is_refused_or_recovered_and_never_made_anew"),
    },
    Mutant {
        name: "any-journal-is-ours",
        file: "src/archive/open.rs",
        from: "    if (0..MIGRATED).contains(&grown) {",
        to: r#"    if crate::mutant("any-journal-is-ours") || (0..MIGRATED).contains(&grown) {"#,
        killed_by: ("storage", "a_journal_of_another_archive_harms_nothing_unseen"),
    },
    // 11: an older state fetches again what it lacks, and only that.
    Mutant {
        name: "the-ledger-is-forgotten",
        file: "src/archive/ledger.rs",
        from: "                    message: row.get(2)?,",
        to: r#"                    message: if crate::mutant("the-ledger-is-forgotten") { None } else { row.get(2)? },"#,
        killed_by: ("storage", "a_hot_copy_without_the_journal_fetches_the_rest_and_doubles_nothing"),
    },
    // 12: a library that holds NORMAL where FULL was set.
    Mutant {
        name: "normal-is-as-good",
        file: "src/archive/open.rs",
        from: "",
        to: "",
        killed_by: ("lib", "archive::tests::opening::a_library_that_reports_less_than_full_is_refused"),
    },
    // 13: two at a time.
    Mutant {
        name: "a-lock-by-name-only",
        file: "src/archive/open.rs",
        from: "    if let Err(TryLockError::WouldBlock) = file.try_lock() {",
        to: r#"    if let Err(TryLockError::WouldBlock) = file.try_lock()
        && !crate::mutant("a-lock-by-name-only")
    {"#,
        killed_by: ("storage", "a_second_instance_is_refused_by_whatever_path_it_comes"),
    },
    // 14
    Mutant {
        name: "network-folders-are-folders",
        file: "src/archive/medium.rs",
        from: "    match network(folder) {",
        to: r#"    match network(folder).filter(|_| !crate::mutant("network-folders-are-folders")) {"#,
        killed_by: ("storage", "a_network_file_system_is_refused_with_its_name"),
    },
    // 15
    Mutant {
        name: "journals-everywhere",
        file: "src/archive/open.rs",
        from: "        Err(error) if writable(path) => Err(error),",
        to: r#"        Err(error) if crate::mutant("journals-everywhere") || writable(path) => Err(error),"#,
        killed_by: ("storage", "a_medium_that_cannot_be_written_is_read"),
    },
    // 16
    Mutant {
        name: "clocks-are-right",
        file: "src/archive/maildrop.rs",
        from: "    (age.saturating_add(gap.clamp(0, LONGEST_GAP)), ",
        to: r#"    let longest = if crate::mutant("clocks-are-right") { i64::MAX } else { LONGEST_GAP };
    (age.saturating_add(gap.clamp(0, longest)), "#,
        killed_by: ("storage_clock", "a_clock_that_jumps_expires_nothing"),
    },
    // 17
    Mutant {
        name: "newer-is-fine",
        file: "src/archive/open.rs",
        from: "    if found > known { Err(ArchiveError::Newer { found, known }) } else { Ok(()) }",
        to: r#"    let refused = found > known && !crate::mutant("newer-is-fine");
    if refused { Err(ArchiveError::Newer { found, known }) } else { Ok(()) }"#,
        killed_by: ("storage", "what_is_not_ours_is_named_and_left_as_it_was"),
    },
    // 18
    Mutant {
        name: "migration-by-statements",
        file: "src/archive/open.rs",
        from: "    let migrated = migrations.to_latest(connection);",
        to: r#"    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 1 && crate::mutant("migration-by-statements") {
        connection.execute_batch(MIGRATIONS.get(1).unwrap_or(&""))?;
        connection.pragma_update(None, "user_version", 2)?;
    }
    let migrated = migrations.to_latest(connection);"#,
        killed_by: ("storage_migration", "killed_anywhere_in_a_migration_it_is_the_old_version_or_the_new"),
    },
    // 8, of what is stored packed: what this program did not write is no message.
    Mutant {
        name: "any-codec-will-do",
        file: "src/archive/codec.rs",
        from: "        PACKED if octets <= LONGEST =>",
        to: r#"        other if other != PACKED && crate::mutant("any-codec-will-do") => Some(stored),
        PACKED if octets <= LONGEST =>"#,
        killed_by: ("lib", "archive::tests::codec::another_length_another_codec_and_a_cut_are_refused"),
    },
    Mutant {
        name: "lengths-are-believed",
        file: "src/archive/codec.rs",
        from: "    if Run::sum(&runs, Run::encoded)?.checked_add(text_octets) != Some(octets) {",
        to: r#"    let encoded = Run::sum(&runs, Run::encoded)?;
    if encoded.checked_add(text_octets) != Some(octets) && !crate::mutant("lengths-are-believed") {"#,
        killed_by: ("lib", "archive::tests::codec::another_length_another_codec_and_a_cut_are_refused"),
    },
    Mutant {
        name: "any-bytes-mend",
        file: "src/archive/rewrite.rs",
        from: "        if Digest::of(bytes) != digest {",
        to: r#"        let digest = if crate::mutant("any-bytes-mend") { Digest::of(bytes) } else { digest };
        if Digest::of(bytes) != digest {"#,
        killed_by: ("lib", "archive::tests::health::only_the_same_bytes_mend"),
    },
    Mutant {
        name: "rot-is-packed",
        file: "src/archive/rewrite.rs",
        from: "                Ok(Some(bytes)) if Digest::of(&bytes) == alone.digest => bytes,",
        to: r#"                Ok(Some(bytes)) if Digest::of(&bytes) == alone.digest || crate::mutant("rot-is-packed") => bytes,"#,
        killed_by: ("lib", "archive::tests::health::what_an_older_version_stored_is_packed_but_for_what_rotted"),
    },
    Mutant {
        name: "rot-is-not-recorded",
        file: "src/archive/scrub.rs",
        from: "        if rotten.contains(original) {",
        to: r#"        if rotten.contains(original) && !crate::mutant("rot-is-not-recorded") {"#,
        killed_by: ("lib", "archive::tests::health::the_daily_reading_finds_rot_and_check_tells_of_it"),
    },
    // 9, of bundles: pieces to spare, and what may not be concluded from them.
    Mutant {
        name: "bundles-spare-nothing",
        file: "src/archive/codec/bundle.rs",
        from: "            (&[number], Some(sum)) => {",
        to: r#"            (&[number], Some(sum)) if !crate::mutant("bundles-spare-nothing") => {"#,
        killed_by: ("lib", "archive::tests::bundles::a_piece_that_rots_costs_no_message_and_proves_none"),
    },
    Mutant {
        name: "pieces-of-bundles-are-not-compared",
        file: "src/archive/codec/bundle.rs",
        from: "    (crc32fast::hash(rest) == u32::from_le_bytes(*checksum) && count > 0).then_some((count, part))",
        to: r#"    let whole = crc32fast::hash(rest) == u32::from_le_bytes(*checksum) || crate::mutant("pieces-of-bundles-are-not-compared");
    (whole && count > 0).then_some((count, part))"#,
        killed_by: ("lib", "archive::tests::bundles::two_pieces_side_by_side_cost_no_message"),
    },
    Mutant {
        name: "mended-bundles-prove",
        file: "src/archive/ledger.rs",
        from: "reader.mended.is_empty();",
        to: r#"(reader.mended.is_empty() || crate::mutant("mended-bundles-prove"));"#,
        killed_by: ("lib", "archive::tests::bundles::a_piece_that_rots_costs_no_message_and_proves_none"),
    },
    Mutant {
        name: "bundles-are-only-read",
        file: "src/archive/scrub.rs",
        from: "            if !reader.unreadable {",
        to: r#"            if !reader.unreadable && !crate::mutant("bundles-are-only-read") {"#,
        killed_by: ("lib", "archive::tests::bundles::the_daily_reading_mends"),
    },
    Mutant {
        name: "spare-pieces-of-bundles-are-not-read",
        file: "src/archive/scrub.rs",
        from: "                Ok(false) => _ = reader.mended.insert(bundle),",
        to: r#"                Ok(false) if crate::mutant("spare-pieces-of-bundles-are-not-read") => {}
                Ok(false) => _ = reader.mended.insert(bundle),"#,
        killed_by: ("lib", "archive::tests::bundles::the_daily_reading_mends"),
    },
    Mutant {
        name: "erased-mail-stays-bundled",
        file: "src/archive/erase.rs",
        from: "        bundles::renew(transaction, &bundles)\n",
        to: r#"        if crate::mutant("erased-mail-stays-bundled") { Ok(()) } else { bundles::renew(transaction, &bundles) }
"#,
        killed_by: ("lib", "archive::tests::bundles::what_is_erased_is_in_no_piece"),
    },
    Mutant {
        name: "an-account-stays-bundled",
        file: "src/archive/erase.rs",
        from: "        bundles::renew(transaction, &bundles)?;",
        to: r#"        if !crate::mutant("an-account-stays-bundled") {
            bundles::renew(transaction, &bundles)?;
        }"#,
        killed_by: ("lib", "archive::tests::bundles::an_account_that_is_removed_leaves_nothing_in_pieces"),
    },
    Mutant {
        name: "moved-bundles-leave-traces",
        file: "src/archive/open.rs",
        from: r#"    connection.pragma_update(None, "secure_delete", "FAST")?;"#,
        to: r#"    if !crate::mutant("moved-bundles-leave-traces") {
        connection.pragma_update(None, "secure_delete", "FAST")?;
    }"#,
        killed_by: ("lib", "archive::tests::bundles::what_is_erased_is_in_no_piece"),
    },
    Mutant {
        name: "what-was-here-is-bundled",
        file: "src/archive/ingest.rs",
        from: "            leave_out(transaction, &bundles, &numbers)?;",
        to: r#"            if !crate::mutant("what-was-here-is-bundled") {
                leave_out(transaction, &bundles, &numbers)?;
            }"#,
        killed_by: ("lib", "archive::tests::bundles::what_turns_out_to_be_here_is_not_left_in_the_bundle"),
    },
    Mutant {
        name: "the-index-of-bundles-is-believed",
        file: "src/archive/bundles.rs",
        from: "    if members != indexed(transaction, bundle)? {",
        to: r#"    let indexed = indexed(transaction, bundle)?;
    let members = if crate::mutant("the-index-of-bundles-is-believed") { indexed.clone() } else { members };
    if members != indexed {"#,
        killed_by: ("lib", "archive::tests::bundles::a_member_that_is_not_listed_is_not_packed_away"),
    },
    Mutant {
        name: "lost-mail-goes-with-its-bundle",
        file: "src/archive/bundles.rs",
        from: "        && !holds_lost(transaction, bundle, &ids)?",
        to: r#"        && (crate::mutant("lost-mail-goes-with-its-bundle") || !holds_lost(transaction, bundle, &ids)?)"#,
        killed_by: ("lib", "archive::tests::bundles_lost::a_bundle_that_holds_lost_mail_is_not_packed_anew"),
    },
    Mutant {
        name: "any-bundle-will-do",
        file: "src/archive/bundles.rs",
        from: "        if self.opened.as_ref().is_none_or(|(of, opened)| (*of, opened.stamp) != (bundle, stamp)) {",
        to: r#"        let other = |(of, opened): &(i64, Opened)| {
            (*of, opened.stamp) != (bundle, stamp) && !crate::mutant("any-bundle-will-do")
        };
        if self.opened.as_ref().is_none_or(other) {"#,
        killed_by: ("lib", "archive::tests::bundles::what_is_kept_of_a_bundle_is_never_shown_of_another"),
    },
    Mutant {
        name: "bundles-in-pages-of-any-size",
        file: "src/archive/bundles.rs",
        from: "row.get::<_, i64>(0)? == PAGE))?)",
        to: r#"row.get::<_, i64>(0)? == PAGE || crate::mutant("bundles-in-pages-of-any-size")))?)"#,
        killed_by: ("lib", "archive::tests::bundling::where_pages_are_smaller_than_a_piece_nothing_is_bundled"),
    },
    Mutant {
        name: "bundles-of-nothing",
        file: "src/archive/codec/bundle.rs",
        from: "        return Vec::new();\n    };\n    let mut parts",
        to: r#"        if crate::mutant("bundles-of-nothing") {
            return vec![Some(piece(0, &[])); SPARE];
        }
        return Vec::new();
    };
    let mut parts"#,
        killed_by: ("lib", "archive::tests::bundles::a_bundle_that_is_gone_is_mended_by_its_mail_only"),
    },
];
