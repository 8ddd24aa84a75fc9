//! Mutants of reading hostile mail: what leaks, what runs, what lies, what is too much. How to add one: the head of
//! `tests/support/mutant.rs`.

use super::{Change, Mutant};

pub const HELPERS: &[Change] = &[];

const PICTURES: (&str, &str) = ("pictures", "pictures_come_and_nothing_else_does");
const ADDRESSES: (&str, &str) = ("lib", "remote::address::tests::only_https_under_public_names");
const SENDERS: (&str, &str) = ("lib", "message::sender::tests::a_sender_cannot_pass_for_another");
const LINKS: (&str, &str) = ("lib", "message::links::tests::tricks_are_told_before_they_open");

pub const MUTANTS: &[Mutant] = &[
    // Fault 52.
    Mutant {
        name: "mime-depth-unbounded",
        file: "src/message/parts.rs",
        from: "            if self.open.len() < DEEPEST {",
        to: r#"            if self.open.len() < DEEPEST || crate::mutant("mime-depth-unbounded") {"#,
        killed_by: ("lib", "message::parts::tests::nesting_and_number_are_bounded"),
    },
    // Fault 53.
    Mutant {
        name: "mime-parts-unbounded",
        file: "src/message/parts.rs",
        from: "        if self.parts.leaves.len() < MOST_PARTS {",
        to: r#"        if self.parts.leaves.len() < MOST_PARTS || crate::mutant("mime-parts-unbounded") {"#,
        killed_by: ("lib", "message::parts::tests::nesting_and_number_are_bounded"),
    },
    // Fault 54, and the fence of the worker, have none: no switch reaches the worker, which is given no environment.
    // Fault 55.
    Mutant {
        name: "page-depth-unbounded",
        file: "src/render/normal/cap.rs",
        from: "        if self.open.len() >= DEEPEST || formatting && self.formatting >= MOST_FORMATTING {",
        to: r#"        let over = self.open.len() >= DEEPEST || formatting && self.formatting >= MOST_FORMATTING;
        if over && !crate::mutant("page-depth-unbounded") {"#,
        killed_by: ("lib", "render::normal::cap::tests::what_is_over_a_bound_is_left_out_and_the_rest_kept"),
    },
    // Fault 56.
    Mutant {
        name: "leak-on-the-command-line",
        file: "src/cli/render.rs",
        from: "    say_what_is_blocked(&drawn.laid);\n",
        to: r#"    if crate::mutant("leak-on-the-command-line") {
        for picture in &drawn.laid.blocked.pictures {
            let url = url::Url::parse(&picture.address).ok();
            let host = url.and_then(|url| url.host_str().map(str::to_owned));
            _ = host.map(|host| std::net::TcpStream::connect((host, 80)));
        }
    }
    say_what_is_blocked(&drawn.laid);
"#,
        killed_by: ("leak", "no_message_on_the_command_line_sends_a_packet"),
    },
    // A name that is looked up ahead says as much as the picture.
    Mutant {
        name: "leak-name-looked-up-in-the-window",
        file: "src/gui/reader/page/remote.rs",
        from: "        if self.remote.always && !self.remote.stopped { self.load(rules) } else { Task::none() }",
        to: r#"        if crate::mutant("leak-name-looked-up-in-the-window")
            && let Some(shown) = &self.shown
        {
            for picture in &shown.laid.blocked.pictures {
                let url = url::Url::parse(&picture.address).ok();
                let host = url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
                std::thread::spawn(move || _ = std::net::ToSocketAddrs::to_socket_addrs(&(host, 80)));
            }
        }
        let always = self.remote.always || crate::mutant("remote-loaded-unasked");
        if always { self.load(rules) } else { Task::none() }"#,
        killed_by: ("leak", "no_message_in_the_window_sends_a_packet"),
    },
    Mutant {
        name: "remote-loaded-unasked",
        file: "src/gui/reader/page/remote.rs",
        from: "",
        to: "",
        killed_by: ("lib", "gui::tests::remote::pictures_are_loaded_once_on_a_person_s_word"),
    },
    Mutant {
        name: "page-keeps-an-address",
        file: "src/render/normal/css.rs",
        from: "            None => out.push_str(\"none\"),",
        to: r#"            None if crate::mutant("page-keeps-an-address") => {
                let _ = write!(out, "url({address})");
            }
            None => out.push_str("none"),"#,
        killed_by: ("render", "no_page_holds_an_address"),
    },
    // Remote pictures.
    Mutant {
        name: "remote-over-http",
        file: "src/remote/address.rs",
        from: "    if url.scheme() != \"https\" {",
        to: r#"    if url.scheme() != "https" && !crate::mutant("remote-over-http") {"#,
        killed_by: ADDRESSES,
    },
    Mutant {
        name: "remote-any-port",
        file: "src/remote/address.rs",
        from: "    let usual = url.port().is_none() || rules.loopback_for_tests;",
        to: r#"    let usual = url.port().is_none() || rules.loopback_for_tests || crate::mutant("remote-any-port");"#,
        killed_by: ADDRESSES,
    },
    Mutant {
        name: "remote-mapped-address-public",
        file: "src/remote/address.rs",
        from: "        [0, 0, 0, 0, 0, 0xffff, ..] |",
        to: r#"        [0, 0, 0, 0, 0, 0xffff, ..] if crate::mutant("remote-mapped-address-public") => true,
        [0, 0, 0, 0, 0, 0xffff, ..] |"#,
        killed_by: ("lib", "remote::address::tests::only_addresses_of_the_public_internet"),
    },
    Mutant {
        name: "remote-name-leads-inside",
        file: "src/remote/address.rs",
        from: "        is_public(address) || self.loopback_for_tests && address.is_loopback()",
        to: r#"        is_public(address)
            || self.loopback_for_tests && address.is_loopback()
            || crate::mutant("remote-name-leads-inside")"#,
        killed_by: ("pictures", "a_name_that_changes_its_mind_is_no_way_in"),
    },
    Mutant {
        name: "remote-turn-unchecked",
        file: "src/remote/exchange.rs",
        from: "                    url = admitted(next.as_str(), &self.rules)?;",
        to: r#"                    url = match admitted(next.as_str(), &self.rules) {
                        Err(_) if crate::mutant("remote-turn-unchecked") => next,
                        admitted => admitted?,
                    };"#,
        killed_by: PICTURES,
    },
    Mutant {
        name: "remote-tracker-fetched",
        file: "src/remote/exchange.rs",
        from: "        if render::is_tracker(address) {",
        to: r#"        if render::is_tracker(address) && !crate::mutant("remote-tracker-fetched") {"#,
        killed_by: PICTURES,
    },
    Mutant {
        name: "remote-anything-is-a-picture",
        file: "src/remote/exchange.rs",
        from: "        None => Err(Refusal::NoPicture),",
        to: r#"        None if crate::mutant("remote-anything-is-a-picture") => Ok(octets),
        None => Err(Refusal::NoPicture),"#,
        killed_by: PICTURES,
    },
    Mutant {
        name: "remote-says-who-asks",
        file: "src/remote/exchange.rs",
        from: "        .header(USER_AGENT, NAME)",
        to: r#"        .header(USER_AGENT, if crate::mutant("remote-says-who-asks") { "Postkeep/0.1 (Linux)" } else { NAME })"#,
        killed_by: ("pictures", "nothing_tells_who_asks"),
    },
    Mutant {
        name: "remote-always-for-anyone",
        file: "src/gui/reader/page/remote.rs",
        from: "    (sender.is_valid && sender.warnings.is_empty() && !failed)",
        to: r#"    (sender.is_valid && sender.warnings.is_empty() && !failed || crate::mutant("remote-always-for-anyone"))"#,
        killed_by: ("lib", "gui::tests::remote::always_is_offered_only_where_the_sender_is_what_he_seems"),
    },
    Mutant {
        name: "remote-hidden-is-fetched",
        file: "src/gui/reader/page/remote.rs",
        from: "    !picture.tracker && picture.area.is_some_and(",
        to: r#"    if crate::mutant("remote-hidden-is-fetched") {
        return true;
    }
    !picture.tracker && picture.area.is_some_and("#,
        killed_by: ("lib", "gui::tests::remote::pictures_are_loaded_once_on_a_person_s_word"),
    },
    // Fault 57.
    Mutant {
        name: "page-link-runs-a-program",
        file: "src/render/normal/mod.rs",
        from: "    matches!(url.scheme(), \"http\" | \"https\" | \"mailto\").then_some(href)",
        to: r#"    let dead = !matches!(url.scheme(), "http" | "https" | "mailto");
    (!dead || crate::mutant("page-link-runs-a-program")).then_some(href)"#,
        killed_by: ("render", "nothing_of_a_hostile_page_runs_and_its_links_are_dead"),
    },
    // Fault 58.
    Mutant {
        name: "sender-of-two-unsaid",
        file: "src/message/sender.rs",
        from: "    if fields.len() > 1 {",
        to: r#"    if fields.len() > 1 && !crate::mutant("sender-of-two-unsaid") {"#,
        killed_by: SENDERS,
    },
    Mutant {
        name: "sender-put-together-believed",
        file: "src/message/sender.rs",
        from: "    let is_valid = is_valid(&mailbox.address) && stands_in(&mailbox.address, field);",
        to: r#"    let is_valid = is_valid(&mailbox.address)
        && (stands_in(&mailbox.address, field) || crate::mutant("sender-put-together-believed"));"#,
        killed_by: SENDERS,
    },
    // Fault 59.
    Mutant {
        name: "link-user-taken-for-host",
        file: "src/message/links.rs",
        from: "    if !url.username().is_empty() || url.password().is_some() {",
        to: r#"    let named = !url.username().is_empty() || url.password().is_some();
    if named && !crate::mutant("link-user-taken-for-host") {"#,
        killed_by: LINKS,
    },
    Mutant {
        name: "link-look-alike-unsaid",
        file: "src/message/links.rs",
        from: "    if look_alike {",
        to: r#"    if look_alike && !crate::mutant("link-look-alike-unsaid") {"#,
        killed_by: LINKS,
    },
    // Fault 60.
    Mutant {
        name: "name-of-a-device",
        file: "src/message/names.rs",
        from: "    if name.starts_with(['-', '~']) || is_reserved(&name) {",
        to: r#"    if name.starts_with(['-', '~']) || is_reserved(&name) && !crate::mutant("name-of-a-device") {"#,
        killed_by: ("lib", "message::names::tests::hostile_names"),
    },
    Mutant {
        name: "name-loses-its-end",
        file: "src/message/names.rs",
        from: "    let name = shortened(&name);",
        to: r#"    let name = if crate::mutant("name-loses-its-end") {
        name.chars().take(60).collect()
    } else {
        shortened(&name)
    };"#,
        killed_by: ("lib", "message::names::tests::a_short_extension_survives_from_the_real_end"),
    },
    Mutant {
        name: "attachment-program-is-opened",
        file: "src/message/mod.rs",
        from: "    kinds::is_program(name, media_type) || kinds::begins_as_program(content)",
        to: r#"    let program = kinds::is_program(name, media_type) || kinds::begins_as_program(content);
    program && !crate::mutant("attachment-program-is-opened")"#,
        killed_by: (
            "lib",
            "gui::reader::parts::tests::an_attachment_is_opened_from_a_private_folder_and_a_program_is_refused",
        ),
    },
    Mutant {
        name: "attachment-overwrites",
        file: "src/new_file.rs",
        from: "    options.write(true).create_new(true);",
        to: r#"    if crate::mutant("attachment-overwrites") {
        options.write(true).create(true);
    } else {
        options.write(true).create_new(true);
    }"#,
        killed_by: ("lib", "new_file::tests::links_and_folders_in_the_way_stay_as_they_are"),
    },
    // Fault 61: a panic that is caught is still one.
    Mutant {
        name: "reading-panics",
        file: "src/message/mod.rs",
        from: "    guarded(|| head::head(original)).unwrap_or_default()",
        to: r#"    let panics = crate::mutant("reading-panics") && original.windows(3).any(|three| three == b"=?u");
    guarded(|| if panics { std::panic::panic_any(()) } else { head::head(original) }).unwrap_or_default()"#,
        killed_by: ("fuzz_mail", "saved_messages_names_and_links"),
    },
];
