//! Mutants of what is planned, the ledger and retention. How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

const PLAN: &str = "src/fetch/plan.rs";

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "renumbered-is-new",
        file: PLAN,
        from: "    had >= STORM && met * 2 < had && unknown * 2 >= had",
        to: r#"    !crate::mutant("renumbered-is-new") && had >= STORM && met * 2 < had && unknown * 2 >= had"#,
        killed_by: ("quirks", "listing::quirk_40_a_renumbered_mailbox_brings_no_new_mail_and_removes_nothing_at_once"),
    },
    Mutant {
        name: "a-part-is-renumbered",
        file: PLAN,
        from: "!policy.shows_a_part && is_renumbered(",
        to: r#"(!policy.shows_a_part || crate::mutant("a-part-is-renumbered")) && is_renumbered("#,
        killed_by: ("quirks", "gmail::quirk_85_all_parts_are_fetched_one_after_the_other"),
    },
    Mutant {
        name: "renumbered-removes",
        file: PLAN,
        from: "        _ if renumbered => Some(Withheld::Renumbered),",
        to: r#"        _ if renumbered && !crate::mutant("renumbered-removes") => Some(Withheld::Renumbered),"#,
        killed_by: ("quirks", "listing::quirk_40_a_renumbered_mailbox_brings_no_new_mail_and_removes_nothing_at_once"),
    },
    Mutant {
        name: "recent-mode-removes",
        file: PLAN,
        from: "        _ if policy.recent_mode => Some(Withheld::RecentMode),",
        to: r#"        _ if policy.recent_mode && !crate::mutant("recent-mode-removes") => Some(Withheld::RecentMode),"#,
        killed_by: ("quirks", "gmail::quirk_88_in_recent_mode_nothing_is_removed_and_nothing_is_gone"),
    },
    Mutant {
        name: "newcomer-asks-not",
        file: PLAN,
        from: "        _ if !policy.maildrop.agreed => Some(Withheld::NewHere),",
        to: r#"        _ if !policy.maildrop.agreed && !crate::mutant("newcomer-asks-not") => Some(Withheld::NewHere),"#,
        killed_by: ("quirks", "retention::a_restored_archive_removes_nothing_before_the_user_agrees_here"),
    },
    Mutant {
        name: "clock-jump-ignored",
        file: PLAN,
        from: "        Retention::Days(_) if policy.maildrop.clock_jumped =>",
        to: r#"        Retention::Days(_) if policy.maildrop.clock_jumped && !crate::mutant("clock-jump-ignored") =>"#,
        killed_by: ("quirks", "removal::quirk_79_a_clock_that_jumps_expires_nothing"),
    },
    Mutant {
        name: "removals-uncounted",
        file: PLAN,
        from: "row.removals >= VAIN_REMOVALS)",
        to: r#"row.removals >= VAIN_REMOVALS && !crate::mutant("removals-uncounted"))"#,
        killed_by: ("quirks", "removal::quirk_82_what_comes_back_after_its_removal_is_let_be"),
    },
    Mutant {
        name: "budget-ignored",
        file: PLAN,
        from: "        if let Some(budget) = policy.fetching.budget {",
        to: r#"        if let Some(budget) = policy.fetching.budget && !crate::mutant("budget-ignored") {"#,
        killed_by: ("quirks", "retention::what_a_visit_may_not_bring_does_not_leave_either"),
    },
    Mutant {
        name: "large-comes-first",
        file: PLAN,
        from: "            true => message.octets.unwrap_or(0),",
        to: r#"            true if crate::mutant("large-comes-first") => 0,
            true => message.octets.unwrap_or(0),"#,
        killed_by: ("quirks", "retention::a_weak_link_fetches_what_is_small_first"),
    },
    Mutant {
        name: "erased-is-fetched",
        file: PLAN,
        from: "row.state == CopyState::Erased && same_size(row, message)",
        to: r#"row.state == CopyState::Erased && same_size(row, message) && !crate::mutant("erased-is-fetched")"#,
        killed_by: ("quirks", "retention::an_emptied_bin_brings_nothing_back_and_sends_no_dele_without_the_copy"),
    },
    Mutant {
        name: "vanished-is-forgotten",
        file: PLAN,
        from: "        CopyState::Stored | CopyState::DeleSent | CopyState::DeleteUnknown | CopyState::Vanished => true,",
        to: r#"        CopyState::Vanished if crate::mutant("vanished-is-forgotten") => false,
        CopyState::Stored | CopyState::DeleSent | CopyState::DeleteUnknown | CopyState::Vanished => true,"#,
        killed_by: ("quirks", "listing::quirk_41_a_mailbox_that_is_empty_once_is_not_forgotten"),
    },
    Mutant {
        name: "ambiguous-is-removed",
        file: PLAN,
        from: "        let leaving = !plan.ambiguous.contains(&message.uidl)\n",
        to: r#"        let leaving = (!plan.ambiguous.contains(&message.uidl) || crate::mutant("ambiguous-is-removed") || crate::mutant("one-unique-id-is-one-message"))
"#,
        killed_by: ("quirks", "listing::quirk_38_one_unique_id_for_two_messages_fetches_both_and_removes_neither"),
    },
    Mutant {
        name: "made-ids-are-proof",
        file: PLAN,
        from: "policy.made_uidls || row.recognised || is_short(row, message)",
        to: r#"
            (policy.made_uidls && !crate::mutant("made-ids-are-proof"))
                || (row.recognised && !crate::mutant("a-header-is-proof"))
                || (is_short(row, message) && !crate::mutant("short-is-long-enough"))
        "#,
        killed_by: ("quirks", "listing::quirk_44_without_unique_ids_header_sections_and_sizes_tell"),
    },
    Mutant {
        name: "a-header-is-proof",
        file: PLAN,
        from: "",
        to: "",
        killed_by: ("quirks", "listing::quirk_40_what_only_looks_the_same_is_not_removed"),
    },
    Mutant {
        name: "short-is-long-enough",
        file: PLAN,
        from: "",
        to: "",
        killed_by: ("safety", "a_message_that_came_shorter_than_listed_is_fetched_again_before_it_is_removed"),
    },
    Mutant {
        name: "wish-unheard",
        file: PLAN,
        from: "            Some(there_too) => *there_too || (",
        to: r#"            Some(_) if crate::mutant("wish-unheard") => false,
            Some(_) if crate::mutant("deleted-here-is-deleted-there") => true,
            Some(there_too) => *there_too || ("#,
        killed_by: ("quirks", "retention::deleted_here_and_there_too_whatever_the_retention"),
    },
    Mutant {
        name: "deleted-here-is-deleted-there",
        file: PLAN,
        from: "",
        to: "",
        killed_by: ("quirks", "removal::quirk_80_deleting_here_takes_nothing_from_the_server_unasked"),
    },
    Mutant {
        name: "days-since-the-beginning",
        file: PLAN,
        from: "        let since = row.map_or(policy.maildrop.age, |row| row.since);",
        to: r#"        let since = row.map_or(policy.maildrop.age, |row| row.since);
        let since = if crate::mutant("days-since-the-beginning") { 0 } else { since };"#,
        killed_by: ("quirks", "retention::so_many_days_after_it_was_first_seen_there"),
    },
    Mutant {
        name: "no-backup-needed",
        file: PLAN,
        from: "stored_as.is_some_and(|id| policy.backed_up.contains(&id))",
        to: r#"stored_as.is_some_and(|id| policy.backed_up.contains(&id) || crate::mutant("no-backup-needed"))"#,
        killed_by: ("quirks", "retention::until_it_is_in_a_verified_backup"),
    },
    Mutant {
        name: "one-less-stays",
        file: PLAN,
        from: "        at < most_messages && octets <= most_octets",
        to: r#"        at + usize::from(crate::mutant("one-less-stays")) < most_messages
            && (octets <= most_octets || crate::mutant("octets-uncounted"))"#,
        killed_by: ("quirks", "retention::only_the_newest_messages_stay"),
    },
    Mutant {
        name: "octets-uncounted",
        file: PLAN,
        from: "",
        to: "",
        killed_by: ("quirks", "retention::only_the_newest_octets_stay"),
    },
    Mutant {
        name: "the-listing-is-by-age",
        file: PLAN,
        from: "    newest_first.sort_by_key(|(message, row)| age(message, *row));",
        to: r#"    match crate::mutant("the-listing-is-by-age") {
            true => newest_first.reverse(),
            false => newest_first.sort_by_key(|(message, row)| age(message, *row)),
        }"#,
        killed_by: ("quirks", "retention::only_the_newest_messages_stay"),
    },
    Mutant {
        name: "poison-each-time",
        file: PLAN,
        from: "row.tries >= VAIN_TRIES)",
        to: r#"row.tries >= VAIN_TRIES && !crate::mutant("poison-each-time"))"#,
        killed_by: ("quirks", "retrieval::quirk_61_a_message_that_is_refused_each_time_keeps_nothing_from_coming"),
    },
    Mutant {
        name: "large-comes-unasked",
        file: PLAN,
        from: "policy.fetching.headers_over.is_some_and(over) && !wanted()",
        to: r#"policy.fetching.headers_over.is_some_and(over) && !wanted() && !crate::mutant("large-comes-unasked")"#,
        killed_by: ("quirks", "retrieval::quirk_59_what_top_gives_is_never_the_message"),
    },
    Mutant {
        name: "bin-does-not-wait",
        file: "src/archive/bin.rs",
        from: "filter(|(_, waits)| now || !waits)",
        to: r#"filter(|(_, waits)| now || !waits || crate::mutant("bin-does-not-wait"))"#,
        killed_by: ("quirks", "retention::deleted_here_and_there_too_whatever_the_retention"),
    },
    Mutant {
        name: "erased-comes-back",
        file: "src/archive/bin.rs",
        from: "    if erased.is_some() { put(",
        to: r#"    if erased.is_some() && !crate::mutant("erased-comes-back") { put("#,
        killed_by: ("quirks", "retention::an_emptied_bin_brings_nothing_back_and_sends_no_dele_without_the_copy"),
    },
    Mutant {
        name: "bin-undo-ignored",
        file: "src/fetch/removing.rs",
        from: "                if wished.is_some_and(|id| !binned.contains_key(&id)) {",
        to: r#"                if wished.is_some_and(|id| !binned.contains_key(&id)) && !crate::mutant("bin-undo-ignored") {"#,
        killed_by: ("quirks", "retention::taken_back_in_the_middle_of_a_visit_it_stays"),
    },
    Mutant {
        name: "a-wish-for-any-message",
        file: "src/fetch/removing.rs",
        from: "wished.is_none_or(|id| id == proof.message())",
        to: r#"wished.is_none_or(|id| id == proof.message() || crate::mutant("a-wish-for-any-message"))"#,
        killed_by: ("quirks", "removal::what_was_deleted_here_does_not_take_another_message_with_it"),
    },
    Mutant {
        name: "change-of-mind-ignored",
        file: "src/fetch/run.rs",
        from: "",
        to: "",
        killed_by: ("quirks", "removal::quirk_75_what_is_not_wanted_any_more_is_reset"),
    },
    Mutant {
        name: "refused-quit-is-done",
        file: "src/fetch/removing.rs",
        from: "",
        to: "",
        killed_by: ("quirks", "removal::quirk_73_a_refused_quit_leaves_the_removals_pending"),
    },
    Mutant {
        name: "a-weak-link-is-strong",
        file: "src/fetch/removing.rs",
        from: "        if self.account.fetching.weak_link { WEAK_BATCH }",
        to: r#"        if self.account.fetching.weak_link && !crate::mutant("a-weak-link-is-strong") { WEAK_BATCH }"#,
        killed_by: ("quirks", "removal::quirk_77_a_weak_link_confirms_its_removals_in_batches"),
    },
];
