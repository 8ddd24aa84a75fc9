//! Mutants of TLS and the network (FAULTS.md 32-51), and of what was built with them: happy eyeballs, UTF8, the trace,
//! pipelining. How to add one: the head of `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[
    Change {
        file: "src/pop3/session.rs",
        from: "    /// No command waits or is under way.\n",
        to: r#"    /// The number of the message whose answer is under way.
    pub fn awaited(&self) -> u32 {
        match self.under_way.front().map(|command| command.sent) {
            Some(Sent::Retr(number)) => number,
            _ => 0,
        }
    }

    /// No command waits or is under way.
"#,
    },
    Change {
        file: "src/transport/tls.rs",
        from: "fn is_self_issued(",
        to: r#"fn is_of_name(verdict: &Result<ServerCertVerified, rustls::Error>) -> bool {
    use CertificateError::{NotValidForName, NotValidForNameContext};
    matches!(verdict, Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })))
}

fn is_self_issued("#,
    },
];

const SENTENCES: (&str, &str) = ("tls", "each_fault_is_refused_in_its_own_words_before_a_credential_is_sent");

pub const MUTANTS: &[Mutant] = &[
    // 32 to 36, 40, 42, 43, 48: the certificate is not looked at.
    Mutant {
        name: "transport-any-certificate",
        file: "src/transport/tls.rs",
        from: "        if verdict.is_ok() && has_weak_key(end_entity) {",
        to: r#"        let verdict = match crate::mutant("transport-any-certificate")
            || crate::mutant("transport-any-certificate-through-the-program")
            || crate::mutant("transport-any-name") && is_of_name(&verdict)
        {
            true => Ok(ServerCertVerified::assertion()),
            false => verdict,
        };
        if verdict.is_ok() && has_weak_key(end_entity) && !crate::mutant("transport-weak-key") {"#,
        killed_by: ("lib", "transport::tests::faults::certificates_that_do_not_stand"),
    },
    Mutant {
        name: "transport-any-certificate-through-the-program",
        file: "src/transport/tls.rs",
        from: "",
        to: "",
        killed_by: SENTENCES,
    },
    // 34.
    Mutant {
        name: "transport-any-name",
        file: "src/transport/tls.rs",
        from: "",
        to: "",
        killed_by: ("lib", "transport::tests::faults::certificates_that_do_not_stand"),
    },
    // 41: the handshake is refused all the same, in words that tell nobody anything.
    Mutant { name: "transport-weak-key", file: "src/transport/tls.rs", from: "", to: "", killed_by: SENTENCES },
    // 37, 38, 44, 45, 46: all that fails in the handshake is one and the same.
    Mutant {
        name: "transport-one-word-for-all",
        file: "src/transport/tls.rs",
        from: "    match (error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()), error.kind()) {",
        to: r#"    if crate::mutant("transport-one-word-for-all") {
        return TransportError::HandshakeCut;
    }
    match (error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()), error.kind()) {"#,
        killed_by: SENTENCES,
    },
    // 39, 51: half a message is taken for a whole one.
    Mutant {
        name: "transport-cut-is-complete",
        file: "src/transport/connection.rs",
        from: "            self.turn().await?;\n",
        to: r#"            let awaited = self.session.awaited();
            if let Err(error) = self.turn().await {
                let wrong = crate::mutant("transport-cut-is-complete")
                    || crate::mutant("transport-cut-is-complete-over-tls")
                    || crate::mutant("transport-cut-is-complete-when-asleep");
                match self.arriving.take() {
                    Some(arriving) if wrong => return Ok(Some(arriving.complete(awaited))),
                    arriving => self.arriving = arriving,
                }
                return Err(error);
            }
"#,
        killed_by: ("lib", "transport::tests::exchange::cut_in_the_middle_or_between"),
    },
    Mutant {
        name: "transport-cut-is-complete-over-tls",
        file: "src/transport/connection.rs",
        from: "",
        to: "",
        killed_by: ("tls", "a_message_cut_off_without_close_notify_is_not_stored_and_stays_on_the_server"),
    },
    Mutant {
        name: "transport-cut-is-complete-when-asleep",
        file: "src/transport/connection.rs",
        from: "",
        to: "",
        killed_by: ("network", "fault_51_suspended_while_the_server_hangs_up"),
    },
    // 49: STLS only where it happens to be offered.
    Mutant {
        name: "transport-stls-optional",
        file: "src/transport/connection/driving.rs",
        from: "",
        to: "",
        killed_by: ("lib", "transport::tests::faults::starttls_is_strict"),
    },
    // 49, 29: octets behind the answer to STLS are kept.
    Mutant {
        name: "transport-injected-octets-kept",
        file: "src/pop3/session.rs",
        from: "",
        to: "",
        killed_by: ("lib", "transport::tests::faults::starttls_is_strict"),
    },
    // 49: a login before TLS stands.
    Mutant {
        name: "transport-login-before-tls",
        file: "src/transport/connection.rs",
        from: "options, server.security == Security::None)",
        to: r#"options, server.security == Security::None || crate::mutant("transport-login-before-tls"))"#,
        killed_by: ("lib", "transport::connection::tests::no_login_over_a_stream_that_lost_its_protection"),
    },
    // Quirk 18: any first answer proves that the server can pipeline.
    Mutant {
        name: "transport-pipelining-proved-too-soon",
        file: "src/pop3/session.rs",
        from: "self.pipelining_proved |= command.pipelined;",
        to: r#"self.pipelining_proved |= command.pipelined || crate::mutant("transport-pipelining-proved-too-soon");"#,
        killed_by: ("lib", "pop3::session::tests::the_window_is_bounded"),
    },
    // Quirk 13: one address after the other.
    Mutant {
        name: "transport-eyes-one-at-a-time",
        file: "src/transport/connect.rs",
        from: "        let until = if left.len() > 0 {",
        to: r#"        let until = if left.len() > 0 && !crate::mutant("transport-eyes-one-at-a-time") {"#,
        killed_by: ("lib", "transport::connect::tests::quirk_13_a_black_hole_keeps_nobody_waiting"),
    },
    Mutant {
        name: "transport-last-failure-told",
        file: "src/transport/connect.rs",
        from: "        Some(before) if rank(&before) >= rank(&now) => Some(before),",
        to: r#"        Some(before) if rank(&before) >= rank(&now) && !crate::mutant("transport-last-failure-told") => Some(before),"#,
        killed_by: ("lib", "transport::connect::tests::the_most_telling_failure_is_told"),
    },
    // 50: no patience with a bad link.
    Mutant {
        name: "transport-no-patience-with-losses",
        file: "src/transport/mod.rs",
        from: "        Patience { connect: Duration::from_secs(15), idle: Duration::from_secs(120) }",
        to: r#"        let none = crate::mutant("transport-no-patience-with-losses") || crate::mutant("transport-no-patience-with-a-slow-link");
        Patience { connect: Duration::from_secs(15), idle: Duration::from_secs(if none { 0 } else { 120 }) }"#,
        killed_by: ("network", "fault_50_a_network_that_loses_every_fifth_packet"),
    },
    Mutant {
        name: "transport-no-patience-with-a-slow-link",
        file: "src/transport/mod.rs",
        from: "",
        to: "",
        killed_by: ("network", "fault_50_a_slow_link_that_goes_down_and_up_and_a_black_hole_beside_it"),
    },
    Mutant {
        name: "transport-always-a-route",
        file: "src/transport/connect.rs",
        from: "    let to_v6 = Ipv6Addr::new(",
        to: r#"    if crate::mutant("transport-always-a-route") {
        return true;
    }
    let to_v6 = Ipv6Addr::new("#,
        killed_by: ("network", "a_route_is_there_or_not"),
    },
    // 64: the trace shows what is sent, or what the server repeats of it.
    Mutant {
        name: "transport-trace-shows-the-login",
        file: "src/pop3/session.rs",
        from: "self.tracer.sent(shown.or(",
        to: r#"self.tracer.sent(shown.filter(|_| !crate::mutant("transport-trace-shows-the-login")).or("#,
        killed_by: ("lib", "transport::tests::trace::a_session_as_the_trace_tells_it"),
    },
    Mutant {
        name: "transport-trace-shows-an-echo",
        file: "src/pop3/trace.rs",
        from: "        if !self.secrets.are_in(line) {",
        to: r#"        if crate::mutant("transport-trace-shows-an-echo") || !self.secrets.are_in(line) {"#,
        killed_by: ("lib", "transport::tests::trace::fault_64_no_login_reaches_the_trace_whatever_the_server_repeats"),
    },
    // 66.
    Mutant {
        name: "transport-trace-unescaped",
        file: "src/pop3/trace.rs",
        from: "            if is_unprintable(letter) {",
        to: r#"            if is_unprintable(letter) && !crate::mutant("transport-trace-unescaped") {"#,
        killed_by: ("lib", "transport::tests::trace::fault_66_the_trace_does_nothing_to_a_terminal"),
    },
    // Quirks 93 to 95.
    Mutant {
        name: "transport-utf8-unasked",
        file: "src/pop3/session.rs",
        from: "self.state == State::Authorization && self.capabilities.utf8,",
        to: r#"{
                self.state == State::Authorization
                    && (self.capabilities.utf8 || crate::mutant("transport-utf8-unasked"))
            }"#,
        killed_by: ("lib", "pop3::session::tests::utf8_only_before_the_login_and_where_it_is_offered"),
    },
    Mutant {
        name: "transport-utf8-never",
        file: "src/transport/connection.rs",
        from: "let utf8 = self.options.utf8 && ",
        to: r#"let utf8 = !crate::mutant("transport-utf8-never") && self.options.utf8 && "#,
        killed_by: ("lib", "transport::tests::utf8::quirk_93_utf8_is_said_before_the_login_where_it_is_offered"),
    },
    Mutant {
        name: "transport-utf8-failure-untold",
        file: "src/transport/connection.rs",
        from: "|error| if utf8 && error.may_be_for_utf8() {",
        to: r#"|error| if utf8 && error.may_be_for_utf8() && !crate::mutant("transport-utf8-failure-untold") {"#,
        killed_by: ("lib", "transport::tests::utf8::quirk_94_a_login_that_fails_behind_utf8_is_told_apart"),
    },
    Mutant {
        name: "transport-code-of-a-refusal-lost",
        file: "src/transport/connection.rs",
        from: "code: status.code,",
        to: r#"code: status.code.filter(|_| !crate::mutant("transport-code-of-a-refusal-lost")),"#,
        killed_by: ("lib", "transport::tests::utf8::quirk_95_a_message_that_wants_utf8_says_so"),
    },
    // Quirk 51: a dot behind a line end is passed over.
    Mutant {
        name: "transport-stuffed-dot-kept",
        file: "src/pop3/decode.rs",
        from: "DOT_AT_LINE_START.find(input)",
        to: r#"DOT_AT_LINE_START.find(input).filter(|_| !crate::mutant("transport-stuffed-dot-kept"))"#,
        killed_by: ("lib", "pop3::decode::tests::examples"),
    },
];
