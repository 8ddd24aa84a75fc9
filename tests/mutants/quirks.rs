//! Mutants of how servers behave (POP3_QUIRKS.md). How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

const RUN: &str = "src/fetch/run.rs";
const DOOR: &str = "src/fetch/door.rs";
const ERROR: &str = "src/transport/error.rs";

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "stls-unoffered-is-tried",
        file: "src/transport/connection/driving.rs",
        from: "        if !self.session.capabilities().stls {",
        to: r#"        if !self.session.capabilities().stls && crate::mutant("transport-stls-optional") {
            self.may_log_in = true;
            return Ok(self);
        }
        if !self.session.capabilities().stls && !crate::mutant("stls-unoffered-is-tried") {"#,
        killed_by: ("quirks", "connection::quirk_2_stls_that_was_taken_out_of_the_offer_ends_the_visit"),
    },
    Mutant {
        name: "a-web-server-is-strange",
        file: "src/transport/connection/driving.rs",
        from: r#"line.starts_with("HTTP/") ||"#,
        to: r#"(line.starts_with("HTTP/") && !crate::mutant("a-web-server-is-strange")) ||"#,
        killed_by: ("quirks", "connection::quirk_11_a_sign_in_page_is_named_and_marks_nothing"),
    },
    Mutant {
        name: "capa-asked-each-time",
        file: DOOR,
        from: "Some(!connection.asked_capabilities())",
        to: r#"Some(!connection.asked_capabilities() && !crate::mutant("capa-asked-each-time"))"#,
        killed_by: ("quirks", "connection::quirk_15_a_server_that_cannot_bear_capa_is_not_asked_again"),
    },
    Mutant {
        name: "capa-never-again",
        file: DOOR,
        from: "    let afresh = visit.session.0 % TRIED_AGAIN == 0;",
        to: r#"    let afresh = visit.session.0 % TRIED_AGAIN == 0 && !crate::mutant("capa-never-again");"#,
        killed_by: ("quirks", "connection::quirk_15_a_server_that_cannot_bear_capa_is_not_asked_again"),
    },
    Mutant {
        name: "capa-is-the-law",
        file: "src/fetch/compare.rs",
        from: "    let tried = if connection.capabilities().top { 0 } else { 1 };",
        to: r#"    if !connection.capabilities().top && crate::mutant("capa-is-the-law") {
        return Ok(vec![None; numbers.len()]);
    }
    let tried = if connection.capabilities().top { 0 } else { 1 };"#,
        killed_by: ("quirks", "connection::quirk_16_what_capa_leaves_out_is_tried"),
    },
    Mutant {
        name: "pipelining-is-never-unlearnt",
        file: RUN,
        from: "        self.pipelining &= !state.habits.has(Habit::NoPipelining);",
        to: r#"        self.pipelining &= !state.habits.has(Habit::NoPipelining) || crate::mutant("pipelining-is-never-unlearnt");"#,
        killed_by: ("quirks", "connection::quirk_18_pipelining_that_is_a_lie_is_unlearnt"),
    },
    Mutant {
        name: "hanging-up-is-the-network",
        file: ERROR,
        from: "            TransportError::ClosedAtLogin => true,",
        to: r#"            TransportError::ClosedAtLogin => !crate::mutant("hanging-up-is-the-network"),"#,
        killed_by: ("quirks", "login::quirk_28_hanging_up_on_a_password_is_a_refusal_of_it"),
    },
    Mutant {
        name: "a-broken-mailbox-is-polled",
        file: DOOR,
        from: "    lasting || error.is_wrong_password()",
        to: r#"    (lasting && !crate::mutant("a-broken-mailbox-is-polled")) || error.is_wrong_password()"#,
        killed_by: ("quirks", "login::quirk_29_codes_tell_why_a_login_is_refused"),
    },
    Mutant {
        name: "words-are-no-hint",
        file: ERROR,
        from: "    says(&PASSING) && !says(&LASTING)",
        to: r#"    says(&PASSING) && !crate::mutant("words-are-no-hint") && (!says(&LASTING) || crate::mutant("words-are-law"))"#,
        killed_by: ("quirks", "login::quirk_30_without_a_code_words_are_a_hint_only"),
    },
    Mutant {
        name: "words-are-law",
        file: ERROR,
        from: "",
        to: "",
        killed_by: ("quirks", "login::quirk_30_without_a_code_words_are_a_hint_only"),
    },
    Mutant {
        name: "delay-unheard",
        file: DOOR,
        from: "    let last = state.last_login?;",
        to: r#"    if crate::mutant("delay-unheard") {
        return None;
    }
    let last = state.last_login?;"#,
        killed_by: ("quirks", "login::quirk_31_the_server_is_not_asked_sooner_than_it_wants"),
    },
    Mutant {
        name: "a-refused-login-is-tried-again",
        file: DOOR,
        from: "",
        to: "",
        killed_by: ("quirks", "login::quirk_32_a_refused_login_waits_for_the_user"),
    },
    Mutant {
        name: "utf8-breaks-for-good",
        file: DOOR,
        from: "if error.failed_after_utf8() =>",
        to: r#"if error.failed_after_utf8() && !crate::mutant("utf8-breaks-for-good") =>"#,
        killed_by: ("quirks", "login::quirk_94_utf8_that_breaks_the_login_is_left_out_from_then_on"),
    },
    Mutant {
        name: "utf8-each-time",
        file: DOOR,
        from: "    (connection.asked_capabilities() && !connection.wanted_utf8()).then_some(true)",
        to: r#"    let learns = !crate::mutant("utf8-each-time");
    (learns && connection.asked_capabilities() && !connection.wanted_utf8()).then_some(true)"#,
        killed_by: ("quirks", "login::quirk_94_utf8_that_breaks_the_login_is_left_out_from_then_on"),
    },
    Mutant {
        name: "utf8-is-not-insisted-on",
        file: RUN,
        from: "            self.insists_on_utf8 = true;",
        to: r#"            self.insists_on_utf8 = !crate::mutant("utf8-is-not-insisted-on");"#,
        killed_by: ("quirks", "login::quirk_95_a_message_that_needs_utf8_brings_a_second_session"),
    },
    Mutant {
        name: "top-unread",
        file: "src/fetch/compare.rs",
        from: "",
        to: "",
        killed_by: ("quirks", "listing::quirk_39_a_unique_id_that_names_another_message_removes_nothing_unseen"),
    },
    Mutant {
        name: "numbers-for-any-retention",
        file: "src/fetch/listing.rs",
        from: "                None if retention == Retention::RemoveOnceStored =>",
        to: r#"                None if retention == Retention::RemoveOnceStored || crate::mutant("numbers-for-any-retention") =>"#,
        killed_by: (
            "quirks",
            "listing::quirk_44_without_uidl_and_top_fetching_and_removing_works_and_leaving_is_refused_in_words",
        ),
    },
    Mutant {
        name: "a-part-is-all",
        file: "src/fetch/listing.rs",
        from: "complete: agree && !shows_a_part,",
        to: r#"complete: agree && (!shows_a_part || crate::mutant("a-part-is-all")),"#,
        killed_by: ("quirks", "gmail::quirk_86_what_is_hidden_is_not_gone"),
    },
    Mutant {
        name: "recent-is-all",
        file: "src/fetch/listing.rs",
        from: "    let shows_a_part = connection.capabilities().shows_a_part || in_recent_mode(account);",
        to: r#"    let recent = in_recent_mode(account) && !crate::mutant("recent-is-all");
    let shows_a_part = connection.capabilities().shows_a_part || recent;"#,
        killed_by: ("quirks", "gmail::quirk_88_in_recent_mode_nothing_is_removed_and_nothing_is_gone"),
    },
    Mutant {
        name: "one-part-is-enough",
        file: RUN,
        from: "(shows_a_part && self.outcome.retrieved > before)",
        to: r#"(shows_a_part && self.outcome.retrieved > before && !crate::mutant("one-part-is-enough"))"#,
        killed_by: ("quirks", "gmail::quirk_85_all_parts_are_fetched_one_after_the_other"),
    },
    Mutant {
        name: "garbage-behind-a-message-is-nothing",
        file: RUN,
        from: "            && (is_of_protocol(error) || longer)",
        to: r#"            && ((is_of_protocol(error)
                && !crate::mutant("garbage-behind-a-message-is-nothing")
                && !crate::mutant("cut-at-a-dot-is-whole"))
                || (longer && !crate::mutant("silence-behind-a-message-is-nothing")))"#,
        killed_by: ("quirks", "retrieval::quirk_52_a_body_that_is_not_stuffed_leaves_the_message_in_doubt"),
    },
    Mutant {
        name: "silence-behind-a-message-is-nothing",
        file: RUN,
        from: "",
        to: "",
        killed_by: ("quirks", "retrieval::quirk_55_a_terminator_that_never_comes_ends_in_silence_and_stores_nothing"),
    },
    Mutant {
        name: "sizes-add-up",
        file: RUN,
        from: "message.octets).fold(0, u64::saturating_add);",
        to: r#"message.octets).fold(0, |sum: u64, octets| match crate::mutant("sizes-add-up") {
                true => sum + octets,
                false => sum.saturating_add(octets),
            });"#,
        killed_by: ("quirks", "retrieval::quirk_58_sizes_are_a_hint_and_end_nothing"),
    },
    Mutant {
        name: "without-top-nothing-waits",
        file: RUN,
        from: "        let waiting = plan.left.iter().filter(",
        to: r#"        if crate::mutant("without-top-nothing-waits") && !connection.capabilities().top {
            return Ok(());
        }
        let waiting = plan.left.iter().filter("#,
        killed_by: ("quirks", "retrieval::quirk_60_without_top_a_large_message_waits_all_the_same"),
    },
    Mutant {
        name: "the-index-comes-first",
        file: RUN,
        from: "        let again_in_utf8 = self.insists_on_utf8 && !insisted;",
        to: r#"        if crate::mutant("the-index-comes-first") {
            let archive = self.archive.clone();
            blocking(move || archive.index_pending(&Cancel::new(), &mut |_| {})).await?;
        }
        let again_in_utf8 = self.insists_on_utf8 && !insisted;"#,
        killed_by: ("quirks", "retrieval::quirk_64_the_server_does_not_wait_for_the_index"),
    },
    Mutant {
        name: "silent-while-busy",
        file: RUN,
        from: "if idle => idle = connection.noop()",
        to: r#"if idle && !crate::mutant("silent-while-busy") => idle = connection.noop()"#,
        killed_by: ("quirks", "retrieval::quirk_64_while_the_disk_is_slow_the_server_hears_from_us"),
    },
    Mutant {
        name: "vanished-unsaid",
        file: RUN,
        from: "        let vanished = if listing.complete {",
        to: r#"        let vanished = if listing.complete && !crate::mutant("vanished-unsaid") {"#,
        killed_by: ("quirks", "removal::quirk_81_what_leaves_without_us_is_said"),
    },
    Mutant {
        name: "own-mail-is-news",
        file: "src/fetch/store.rs",
        from: "    is_own(&envelope.from) && !",
        to: r#"    is_own(&envelope.from) && !crate::mutant("own-mail-is-news") && !"#,
        killed_by: ("quirks", "gmail::quirk_89_own_mail_in_the_list_is_no_news"),
    },
];
