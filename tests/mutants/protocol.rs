//! Mutants of the protocol, the fetch and what it writes (FAULTS.md 23-31 and 64-67). How to add one: the head of
//! `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[
    // A leave to remove that no proof stands behind.
    Change {
        file: "src/pop3/command.rs",
        from: "    pub fn of(proof: &impl ProvedStored) -> Removal {",
        to: "    pub fn unproved(number: u32) -> Removal {\n        Removal { number }\n    }\n
    pub fn of(proof: &impl ProvedStored) -> Removal {",
    },
];

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "dele-before-commit",
        file: "src/fetch/run.rs",
        from: "        store.put(receiving.next_batch()).await;",
        to: r#"        let batch = receiving.next_batch();
        if crate::mutant("dele-before-commit") || crate::mutant("dele-before-the-power-cut") {
            let early = batch.iter().map(|parcel| crate::pop3::Removal::unproved(parcel.listed.number)).collect();
            _ = connection.remove(early).await;
        }
        store.put(batch).await;"#,
        killed_by: ("fetch", "a_copy_is_left_and_a_second_fetch_retrieves_nothing"),
    },
    // 23: what was cut is taken for whole.
    Mutant {
        name: "half-a-message-is-one",
        file: "src/transport/connection/driving.rs",
        from: "            Ok(()) if count == 0 && mid_answer => Err(TransportError::Truncated),",
        to: r#"            Ok(()) if count == 0 && crate::mutant("half-a-message-is-one") && self.is_mid_message() => {
                self.session.receive(b"\r\n.\r\n");
                Ok(())
            }
            Ok(()) if count == 0 && mid_answer => Err(TransportError::Truncated),"#,
        killed_by: ("cuts", "cut_at_every_thirteenth_octet"),
    },
    Mutant {
        name: "an-error-is-passed-over",
        file: "src/fetch/run.rs",
        from: "        ended.map(|()| {",
        to: r#"        let ended = if crate::mutant("an-error-is-passed-over") { Ok(()) } else { ended };
        ended.map(|()| {"#,
        killed_by: ("fetch", "cut_in_a_message_keeps_what_was_whole_and_the_next_fetch_goes_on"),
    },
    // 24: a removal that nobody confirmed.
    Mutant {
        name: "no-answer-is-gone",
        file: "src/fetch/removing.rs",
        from: "        if matches!(answer, Ok(Answer::Ok)) {",
        to: r#"        let taken_for_done = crate::mutant("no-answer-is-gone") || crate::mutant("refused-quit-is-done");
        if matches!(answer, Ok(Answer::Ok)) || taken_for_done {"#,
        killed_by: ("protocol", "an_answer_to_quit_that_is_late_or_cut"),
    },
    Mutant {
        name: "refused-dele-is-done",
        file: "src/fetch/removing.rs",
        from: "|(_, answer)| *answer == Answer::Ok)",
        to: r#"|(_, answer)| *answer == Answer::Ok || crate::mutant("refused-dele-is-done"))"#,
        killed_by: ("fetch", "a_refused_dele_is_no_doubt_and_a_refused_retr_no_end"),
    },
    Mutant {
        name: "quit-in-doubt",
        file: "src/fetch/removing.rs",
        from: "                connection.reset().await;",
        to: r#"                if crate::mutant("quit-in-doubt") {
                    _ = connection.quit().await;
                    return ended.map(|_| Then::Done);
                }
                connection.reset().await;"#,
        killed_by: ("safety", "what_is_changed_during_a_fetch_stops_its_removals"),
    },
    Mutant {
        name: "never-asks-again",
        file: "src/fetch/run.rs",
        from: "        Ok(now.is_some_and(|now| now.retention",
        to: r#"        let unheard = crate::mutant("never-asks-again") || crate::mutant("change-of-mind-ignored");
        Ok(unheard || now.is_some_and(|now| now.retention"#,
        killed_by: ("safety", "what_is_changed_during_a_fetch_stops_its_removals"),
    },
    // Our copy is not read back.
    Mutant {
        name: "proof-by-word",
        file: "src/archive/ledger.rs",
        from: "let proved = Digest::of(&bytes) == digest &&",
        to: r#"let proved = (Digest::of(&bytes) == digest || crate::mutant("proof-by-word")) &&"#,
        killed_by: ("fetch", "a_damaged_copy_here_keeps_the_copy_there"),
    },
    // 25: listings that lie.
    Mutant {
        name: "one-unique-id-is-one-message",
        file: "src/fetch/plan.rs",
        from: "",
        to: "",
        killed_by: ("fetch", "one_unique_id_for_all_is_fetched_whole_and_removes_nothing"),
    },
    Mutant {
        name: "short-is-whole",
        file: "src/fetch/store.rs",
        from: "        self.is_misplaced() || self.listed",
        to: r#"        let whole = crate::mutant("short-is-whole");
        self.is_misplaced() || !whole && self.listed"#,
        killed_by: ("safety", "a_message_that_came_shorter_than_listed_is_fetched_again_before_it_is_removed"),
    },
    Mutant {
        name: "unique-id-is-enough",
        file: "src/fetch/compare.rs",
        from: "    for chunk in asked.chunks(CHUNK) {",
        to: r#"    let unread = crate::mutant("unique-id-is-enough") || crate::mutant("top-unread");
    let asked = if unread { Vec::new() } else { asked };
    for chunk in asked.chunks(CHUNK) {"#,
        killed_by: ("protocol", "another_message_than_was_listed"),
    },
    Mutant {
        name: "long-unique-ids-are-cut",
        file: "src/pop3/listing.rs",
        from: "        Uidl::new(&[start, digest.as_bytes()].concat())",
        to: r#"        if crate::mutant("long-unique-ids-are-cut") {
            return Uidl::new(start);
        }
        Uidl::new(&[start, digest.as_bytes()].concat())"#,
        killed_by: ("protocol", "odd_unique_ids"),
    },
    Mutant {
        name: "no-size-is-too-large",
        file: "src/fetch/plan.rs",
        from: "    } else if over(LARGEST_MESSAGE) {",
        to: r#"    } else if over(LARGEST_MESSAGE) && !crate::mutant("no-size-is-too-large") {"#,
        killed_by: ("protocol", "sizes_beyond_measure"),
    },
    // 26: dots.
    Mutant {
        name: "dots-stay",
        file: "src/pop3/decode.rs",
        from: "self.go(Place::AfterDot, Step::Skip)",
        to: r#"self.go(Place::AfterDot, if crate::mutant("dots-stay") { Step::Keep(1) } else { Step::Skip })"#,
        killed_by: ("protocol", "hard_messages_in_pieces_of_any_size"),
    },
    Mutant {
        name: "dot-cr-ends",
        file: "src/pop3/decode.rs",
        from: r#"            (Place::AfterDot, b'\r', LineEnd::CrLf) => self.go(Place::AfterDotCr, Step::Skip),"#,
        to: r#"            (Place::AfterDot, b'\r', LineEnd::CrLf) => {
                let step = if crate::mutant("dot-cr-ends") { Step::End } else { Step::Skip };
                self.go(Place::AfterDotCr, step)
            }"#,
        killed_by: ("fuzz", "saved_sessions"),
    },
    Mutant {
        name: "dot-lf-ends",
        file: "src/pop3/decode.rs",
        from: r#"            (Place::AfterDot, b'\n', LineEnd::Lf) => self.go(Place::LineStart, Step::End),"#,
        to: r#"            (Place::AfterDot, b'\n', ends) if ends == LineEnd::Lf || crate::mutant("dot-lf-ends") => {
                self.go(Place::LineStart, Step::End)
            }"#,
        killed_by: ("lib", "pop3::decode::tests::what_is_no_terminator_ends_nothing"),
    },
    Mutant {
        name: "cut-at-a-dot-is-whole",
        file: "src/fetch/run.rs",
        from: "",
        to: "",
        killed_by: ("safety", "a_message_cut_at_a_lone_dot_is_never_taken_for_whole"),
    },
    Mutant {
        name: "trouble-comes-first",
        file: "src/fetch/run.rs",
        from: "        receiving.awaited().map(|message|",
        to: r#"        let blamed = receiving.awaited().filter(|_| !crate::mutant("trouble-comes-first"));
        blamed.map(|message|"#,
        killed_by: ("safety", "a_message_that_always_breaks_the_connection_comes_last"),
    },
    // 27: no end.
    Mutant {
        name: "as-large-as-it-likes",
        file: "src/transport/connection.rs",
        from: "        let limit = limit.min(listed.saturating_mul(2).max(UNLISTED));",
        to: r#"        let listed = if crate::mutant("as-large-as-it-likes") { u64::MAX } else { listed };
        let limit = limit.min(listed.saturating_mul(2).max(UNLISTED));"#,
        killed_by: ("endless", "what_has_no_end_is_given_up_within_bounds"),
    },
    Mutant {
        name: "status-line-of-any-length",
        file: "src/pop3/session.rs",
        from: "            return if input.len() >= LONGEST_LINE {",
        to: r#"            return if input.len() >= LONGEST_LINE && !crate::mutant("status-line-of-any-length") {"#,
        killed_by: ("fuzz", "saved_sessions"),
    },
    Mutant {
        name: "listing-line-of-any-length",
        file: "src/pop3/session.rs",
        from: "        if self.line.len().saturating_add(octets.len()) > LONGEST_LINE ||",
        to: r#"        let any = crate::mutant("listing-line-of-any-length");
        if !any && self.line.len().saturating_add(octets.len()) > LONGEST_LINE ||"#,
        killed_by: ("fuzz", "saved_sessions"),
    },
    // 28: a refusal.
    Mutant {
        name: "refused-greeting-is-fine",
        file: "src/transport/connection/driving.rs",
        from: "Some(Event::Greeting(status)) if status.ok =>",
        to: r#"Some(Event::Greeting(status)) if status.ok || crate::mutant("refused-greeting-is-fine") =>"#,
        killed_by: ("protocol", "refusals_are_told_in_plain_words"),
    },
    // 29: what is injected.
    Mutant {
        name: "starttls-if-offered",
        file: "src/transport/connection/driving.rs",
        from: "            return Err(TransportError::StlsNotOffered);",
        to: r#"            if crate::mutant("starttls-if-offered") {
                self.may_log_in = true;
                return Ok(self);
            }
            return Err(TransportError::StlsNotOffered);"#,
        killed_by: ("protocol", "fake_servers_get_no_password_and_give_no_mail"),
    },
    Mutant {
        name: "starttls-if-it-works",
        file: "src/transport/connection/driving.rs",
        from: "            return Err(TransportError::StlsRefused(status.text));",
        to: r#"            if crate::mutant("starttls-if-it-works") {
                self.may_log_in = true;
                return Ok(self);
            }
            return Err(TransportError::StlsRefused(status.text));"#,
        killed_by: ("protocol", "fake_servers_get_no_password_and_give_no_mail"),
    },
    Mutant {
        name: "answers-nobody-asked-for",
        file: "src/pop3/session.rs",
        from: "            Some(_) => return Err(ProtocolError::Unsolicited),",
        to: r#"            Some(_) if crate::mutant("answers-nobody-asked-for") => {}
            Some(_) if crate::mutant("transport-injected-octets-kept") => {}
            Some(_) => return Err(ProtocolError::Unsolicited),"#,
        killed_by: ("lib", "pop3::session::tests::what_was_not_asked_for_ends_the_session"),
    },
    Mutant {
        name: "answers-before-commands",
        file: "src/pop3/session.rs",
        from: "            Some(command) => command.end <= written,",
        to: r#"            Some(command) => command.end <= written || crate::mutant("answers-before-commands"),"#,
        killed_by: ("lib", "pop3::session::tests::what_was_not_asked_for_ends_the_session"),
    },
    Mutant {
        name: "status-line-is-mail",
        file: "src/fetch/store.rs",
        from: r#"        [&b"+OK"[..], b"-ERR"].iter().any("#,
        to: r#"        !crate::mutant("status-line-is-mail") && [&b"+OK"[..], b"-ERR"].iter().any("#,
        killed_by: ("protocol", "an_answer_behind_each_answer"),
    },
    Mutant {
        name: "login-in-clear",
        file: "src/transport/connection.rs",
        from: "        if !self.may_log_in {",
        to: r#"        if !self.may_log_in && !crate::mutant("login-in-clear") {"#,
        killed_by: ("lib", "transport::connection::tests::no_login_over_a_stream_that_lost_its_protection"),
    },
    // 30: octets lost, line ends mixed.
    Mutant {
        name: "held-cr-is-lost",
        file: "src/pop3/decode.rs",
        from: "            (Place::AfterDotCr, _, _) => self.go(Place::AfterCr, Step::HeldCr),",
        to: r#"            (Place::AfterDotCr, _, _) if crate::mutant("held-cr-is-lost") => {
                self.place = Place::AfterCr;
                self.run(input)
            }
            (Place::AfterDotCr, _, _) => self.go(Place::AfterCr, Step::HeldCr),"#,
        killed_by: ("fuzz", "saved_sessions"),
    },
    Mutant {
        name: "mixed-line-ends",
        file: "src/pop3/session.rs",
        from: "        if *self.ends.get_or_insert(ends) != ends {",
        to: r#"        if *self.ends.get_or_insert(ends) != ends && !crate::mutant("mixed-line-ends") {"#,
        killed_by: ("fuzz", "generated_sessions"),
    },
    // 31: a second command in a name.
    Mutant {
        name: "any-argument",
        file: "src/pop3/command.rs",
        from: "    if argument.bytes().any(|octet| octet.is_ascii_control()) {",
        to: r#"    if argument.bytes().any(|octet| octet.is_ascii_control()) && !crate::mutant("any-argument") {"#,
        killed_by: ("protocol", "control_characters_in_name_and_password_stay_here"),
    },
    // 64: what was secret is told.
    Mutant {
        name: "echoed-password",
        file: "src/transport/connection.rs",
        from: "        status.text = String::new();",
        to: r#"        if !crate::mutant("echoed-password") {
            status.text = String::new();
        }"#,
        killed_by: ("private", "nothing_private_is_left_where_it_does_not_belong"),
    },
    Mutant {
        name: "core-dumps",
        file: "src/cli/private.rs",
        from: "    let _ = setrlimit(Resource::Core,",
        to: r#"    let soft = if crate::mutant("core-dumps") { None } else { Some(1) };
    let _ = setrlimit(Resource::Core, Rlimit { current: soft, ..getrlimit(Resource::Core) });
    let _ = |_: ()| setrlimit(Resource::Core,"#,
        killed_by: ("private", "a_running_fetch_shows_no_password_to_other_programs"),
    },
    Mutant {
        name: "panics-with-their-words",
        file: "src/cli/private.rs",
        from: r#"    format!("A fault of this program{place}. Please report it.")"#,
        to: r#"    if crate::mutant("panics-with-their-words") {
        return fault.to_string();
    }
    format!("A fault of this program{place}. Please report it.")"#,
        killed_by: ("lib", "cli::private::tests::a_panic_is_told_without_its_words"),
    },
    // 65: files for others.
    Mutant {
        name: "umask-of-the-user",
        file: "src/cli/private.rs",
        from: "    umask(Mode::RWXG | Mode::RWXO);",
        to: r#"    if !crate::mutant("umask-of-the-user") {
        umask(Mode::RWXG | Mode::RWXO);
    }"#,
        killed_by: ("private", "nothing_private_is_left_where_it_does_not_belong"),
    },
    Mutant {
        name: "scratch-stays",
        file: "src/cli/mod.rs",
        from: "        settings::sweep();",
        to: r#"        if !crate::mutant("scratch-stays") {
            settings::sweep();
        }"#,
        killed_by: ("private", "the_temporary_folder_is_empty_after_a_kill_and_a_start"),
    },
    Mutant {
        name: "sweeps-what-is-in-use",
        file: "src/settings.rs",
        from: "        if is_folder && !is_running(process) {",
        to: r#"        if is_folder && (crate::mutant("sweeps-what-is-in-use") || !is_running(process)) {"#,
        killed_by: ("lib", "settings::tests::a_folder_of_a_process_that_runs_stays"),
    },
    // 66: words that command.
    Mutant {
        name: "raw-words",
        file: "src/cli/print.rs",
        from: "    turns || letter.is_control()\n",
        to: r#"    !crate::mutant("raw-words") && (turns || letter.is_control())
"#,
        killed_by: ("private", "nothing_that_is_printed_commands_a_terminal"),
    },
    // 67: the keyring.
    Mutant {
        name: "one-name-for-all-servers",
        file: "src/secrets.rs",
        from: r#"    format!("{} ({})", account.address.to_lowercase(), account.server.host.to_lowercase())"#,
        to: r#"    if crate::mutant("one-name-for-all-servers") {
        return account.address.to_lowercase();
    }
    format!("{} ({})", account.address.to_lowercase(), account.server.host.to_lowercase())"#,
        killed_by: ("lib", "secrets::tests::a_password_of_another_account_is_never_taken"),
    },
    Mutant {
        name: "locked-is-final",
        file: "src/secrets.rs",
        from: "        matches!(self, Self::TimedOut | Self::NoKeyring |",
        to: r#"        !crate::mutant("locked-is-final")
            && matches!(self, Self::TimedOut | Self::NoKeyring |"#,
        killed_by: ("lib", "secrets::tests::whatever_the_keyring_does_the_user_can_be_asked"),
    },
];
