//! What is known of an account's server: its own rules, its provider's, and what POP can and cannot do there.

use iced::Element;
use iced::widget::column;

use super::{Message, Page};
use crate::account::Account;
use crate::archive::{Habit, MaildropState};
use crate::gui::dialog::Lent;
use crate::gui::icon;
use crate::gui::retention::meaning;
use crate::gui::widget::{Tone, label, says, strip};
use crate::gui::words::{Clock, counted};
use crate::provider;

pub fn view<'a>(account: &Account, lent: Lent<'a>) -> Vec<Element<'a, Message>> {
    let standing = lent.library.standing.get(&account.id).copied();
    let mut content: Vec<Element<'a, Message>> = Vec::new();
    if standing.is_some_and(|standing| standing.login_refused) {
        let sentence = "The server refused the name or the password at the last check. Postkeep does not try again by \
                        itself, so that the account is not locked. Save another password, or press Check mail.";
        content.push(strip(
            icon::LOCK,
            Tone::Trouble,
            sentence,
            vec![("Another password", Message::Page(Page::Account))],
        ));
    }
    let groups = [
        ("This server", of_server(account, standing, lent.clock)),
        ("Copies there", of_copies(account, standing)),
        ("Seen through POP", of_provider(account)),
    ];
    for (name, sentences) in groups {
        let sentences = sentences.into_iter().map(|sentence| says(sentence).into());
        content.push(column![label(name)].extend(sentences).spacing(4).into());
    }
    content
}

/// `1 day`, `15 minutes`, `90 seconds`.
fn span(seconds: u32) -> String {
    match seconds {
        0..120 => counted(seconds.into(), "second", "seconds"),
        _ => counted((seconds.div_ceil(60)).into(), "minute", "minutes"),
    }
}

fn of_server(account: &Account, standing: Option<MaildropState>, clock: &Clock) -> Vec<String> {
    let Some(standing) = standing else { return vec!["It was not visited yet.".to_owned()] };
    let mut sentences = Vec::new();
    match standing.last_login {
        Some(when) => sentences.push(format!("It let Postkeep in last {}.", clock.spoken(when))),
        None => sentences.push("It has not let Postkeep in yet.".to_owned()),
    }
    let provider = provider::check_interval(&account.server.host).map_or(0, |minutes| u32::from(minutes) * 60);
    match provider.max(standing.login_delay.unwrap_or(0)) {
        0 => {}
        seconds => sentences.push(format!(
            "It wants {} between two checks. Postkeep waits for that, and the Check button counts down.",
            span(seconds)
        )),
    }
    for (habit, sentence) in [
        (Habit::NoCapa, "It hangs up when it is asked what it can do; Postkeep does not ask."),
        (Habit::NoPipelining, "It cannot bear several questions at once; Postkeep asks one after the other."),
        (Habit::NoUtf8, "It lets nobody in with international addresses switched on; Postkeep leaves that off."),
    ] {
        if standing.habits.has(habit) {
            sentences.push(sentence.to_owned());
        }
    }
    sentences
}

fn of_copies(account: &Account, standing: Option<MaildropState>) -> Vec<String> {
    let mut sentences = vec![meaning(account.retention)];
    let agreed = standing.is_some_and(|standing| standing.agreed);
    if !account.retention.leaves_copy() && !agreed {
        sentences.push("Nothing is removed until you agree to it on this computer.".to_owned());
    }
    // Quirk 81.
    if let Some(days) = standing.and_then(|standing| standing.expire) {
        sentences.push(match days {
            0 => "The server itself removes a message once it was fetched. What is here stays here.".to_owned(),
            days => format!(
                "The server itself removes messages after {}. What is here stays here.",
                counted(days.into(), "day", "days")
            ),
        });
    }
    sentences.push(
        "What leaves the server without Postkeep (another program, web mail) is no deletion: it stays here.".into(),
    );
    sentences
}

/// Quirks 85 to 91.
fn of_provider(account: &Account) -> Vec<String> {
    if is_gmail(account) {
        let mut sentences: Vec<String> = [
            "Gmail shows everything but Spam and Trash over POP, mail that you sent too.",
            "It gives about 250 of the oldest conversations at a time; Postkeep comes back until there is nothing new.",
            "What a removal does is chosen on Gmail's own page (Settings, Forwarding and POP/IMAP): keep, mark as read, \
             archive, or move to Trash.",
            "Gmail hides a message once it was fetched. That it is not on the server any more does not mean that it was \
             deleted.",
            "If “POP for mail that arrives from now on” is chosen there, older mail is never offered.",
        ]
        .map(str::to_owned)
        .into();
        if account.server.user.starts_with("recent:") {
            sentences.push("“recent:” shows the last 30 days only; nothing is removed from such a mailbox.".to_owned());
        }
        return sentences;
    }
    let mut sentences =
        vec!["POP shows the inbox only. Spam, Trash and other folders on the server cannot be seen.".to_owned()];
    sentences.extend(provider::suggest(&account.address).and_then(|suggestion| suggestion.note));
    sentences
}

fn is_gmail(account: &Account) -> bool {
    let host = account.server.host.to_ascii_lowercase();
    host == "gmail.com" || host.ends_with(".gmail.com") || host.ends_with(".googlemail.com")
}
