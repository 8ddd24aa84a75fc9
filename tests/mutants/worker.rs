//! Mutants of the schedule and the worker. How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

pub const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "schedule-no-back-off",
        file: "src/fetch/schedule.rs",
        from: "let step = self.failures.saturating_sub(1).min(BACK_OFF.len() - 1);",
        to: r#"let failures = if crate::mutant("schedule-no-back-off") { 0 } else { self.failures };
        let step = failures.saturating_sub(1).min(BACK_OFF.len() - 1);"#,
        killed_by: ("lib", "fetch::schedule::tests::trouble_waits_longer_each_time_and_success_forgets_it"),
    },
    Mutant {
        name: "schedule-no-jitter",
        file: "src/fetch/schedule.rs",
        from: "seconds + spread * self.0 / 1000",
        to: r#"if crate::mutant("schedule-no-jitter") { seconds } else { seconds + spread * self.0 / 1000 }"#,
        killed_by: ("lib", "fetch::schedule::tests::chance_moves_a_wait_by_a_fifth_at_most"),
    },
    Mutant {
        name: "schedule-success-forgets-nothing",
        file: "src/fetch/schedule.rs",
        from: "Ended::Well => 0,",
        to: r#"Ended::Well if !crate::mutant("schedule-success-forgets-nothing") => 0,"#,
        killed_by: ("lib", "fetch::schedule::tests::trouble_waits_longer_each_time_and_success_forgets_it"),
    },
    Mutant {
        name: "schedule-delay-ignored",
        file: "src/fetch/schedule.rs",
        from: "Some(earliest) if earliest > at => Some(Due { at: earliest, why: Why::LoginDelay }),",
        to: r#"Some(earliest) if earliest > at && !crate::mutant("schedule-delay-ignored") => {
                Some(Due { at: earliest, why: Why::LoginDelay })
            }"#,
        killed_by: ("worker", "a_login_delay_comes_before_every_wish"),
    },
    Mutant {
        name: "schedule-refused-login-retried",
        file: "src/fetch/schedule.rs",
        from: "self.halted = ended == Ended::NeedsUser;",
        to: r#"let ended = match ended {
            Ended::NeedsUser if crate::mutant("schedule-refused-login-retried") => Ended::Server,
            ended => ended,
        };
        self.halted = ended == Ended::NeedsUser;"#,
        killed_by: ("worker", "a_refused_login_waits_for_the_user_and_other_accounts_go_on"),
    },
    Mutant {
        name: "worker-by-itself-as-if-asked",
        file: "src/fetch/door.rs",
        from: "if state.login_refused && !terms.by_user {",
        to: r#"if state.login_refused
        && !terms.by_user
        && !crate::mutant("worker-by-itself-as-if-asked")
        && !crate::mutant("a-refused-login-is-tried-again")
    {"#,
        killed_by: ("worker", "a_login_refused_before_is_not_tried_at_the_next_start_but_after_a_change"),
    },
    Mutant {
        name: "worker-wake-ignored",
        file: "src/fetch/schedule.rs",
        from: "let soon = later(now, SETTLE);",
        to: r#"if crate::mutant("worker-wake-ignored") {
            return;
        }
        let soon = later(now, SETTLE);"#,
        killed_by: ("worker", "a_computer_that_wakes_visits_what_was_due"),
    },
    Mutant {
        name: "worker-clock-set-back-delays",
        file: "src/fetch/worker.rs",
        from: "if jumped < -SET {",
        to: r#"if jumped < -SET && !crate::mutant("worker-clock-set-back-delays") {"#,
        killed_by: ("worker", "a_clock_that_is_set_back_delays_nothing"),
    },
    Mutant {
        name: "worker-network-back-unseen",
        file: "src/fetch/worker.rs",
        from: "if has_route && !self.had_route {",
        to: r#"if has_route && !self.had_route && !crate::mutant("worker-network-back-unseen") {"#,
        killed_by: ("worker", "a_network_that_comes_back_is_used_at_once"),
    },
    Mutant {
        name: "worker-asks-for-password-on-any-trouble",
        file: "src/fetch/visit.rs",
        from: "FetchError::Transport(error) => TransportError::is_wrong_password(error),",
        to: r#"FetchError::Transport(error) => {
                crate::mutant("worker-asks-for-password-on-any-trouble") || TransportError::is_wrong_password(error)
            }"#,
        killed_by: ("worker", "trouble_is_tried_again_later_each_time_and_never_asks_for_a_password"),
    },
    Mutant {
        name: "worker-removed-account-kept",
        file: "src/fetch/worker.rs",
        from: "self.running.get(&id).map(Cancel::cancel);",
        to: r#"self.running.get(&id).map(Cancel::cancel);
        if crate::mutant("worker-removed-account-kept") {
            return;
        }"#,
        killed_by: ("worker", "changes_are_followed_and_removed_accounts_forgotten"),
    },
];
