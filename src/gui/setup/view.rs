//! How the set-up form is drawn.

use std::fmt;

use iced::widget::{Row, column, container, pick_list, row, scrollable, stack, text};
use iced::{Alignment, Element, Fill, FillPortion, padding};

use super::{ADDRESS, Message, Setup, State};
use crate::account::Security;
use crate::gui::icon::{self, icon};
use crate::gui::theme::{self, measure, size};
use crate::gui::widget::{Tone, act, field, glyph, labelled, link, says, sheet, strip, toggle, tool, trouble, words};
use crate::gui::words::{messages, size as octets};

/// A [`Security`] as the list of encryptions names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Encryption(Security);

impl fmt::Display for Encryption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Security::Tls => "SSL/TLS",
            Security::StartTls => "STARTTLS",
            Security::None => "None",
        })
    }
}

const ENCRYPTIONS: [Encryption; 3] =
    [Encryption(Security::Tls), Encryption(Security::StartTls), Encryption(Security::None)];

impl Setup {
    /// The form; `first` when there is no mailbox yet and the sample one is offered.
    pub fn view(&self, first: bool) -> Element<'_, Message> {
        let mut content = vec![
            says("Postkeep fetches your mail over an encrypted connection and keeps it on this computer.").into(),
            self.address_field(),
            self.password_field(),
        ];
        if let Some(note) = &self.note {
            content.push(strip(icon::SERVER, Tone::Note, note.as_str(), Vec::new()));
        }
        content.push(self.server_fields());
        if self.security == Some(Security::None) {
            content.push(self.plaintext());
        }
        if self.more {
            content.push(self.more_fields());
        }
        if self.account.is_none() {
            content.push(self.leaving());
        }
        content.extend(self.outcome());
        let heading = if self.account.is_some() { "Change the server" } else { "Add your mailbox" };
        let form = sheet(heading, content, self.buttons(first));
        scrollable(container(form).center_x(Fill).padding([16, 16])).style(theme::scroll).into()
    }

    fn address_field(&self) -> Element<'_, Message> {
        let address = field("you@example.org", &self.address)
            .id(ADDRESS)
            .on_input_maybe(self.account.is_none().then_some(Message::Address))
            .on_submit(Message::Save);
        labelled("E-mail address", address).into()
    }

    fn password_field(&self) -> Element<'_, Message> {
        let hint = if self.account.is_some() { "Unchanged" } else { "" };
        let password = field(hint, &self.password)
            .secure(!self.password_shown)
            .on_input(Message::Password)
            .on_submit(Message::Save)
            .padding(padding::horizontal(11).vertical(9).right(44));
        let (eye, name) =
            if self.password_shown { (icon::EYE_OFF, "Hide the password") } else { (icon::EYE, "Show the password") };
        let show = container(glyph(eye, name, Some(Message::ShowPassword)));
        let show = show.align_right(Fill).center_y(Fill).padding(padding::right(3));
        let kept = row![
            icon(icon::LOCK).size(13).style(theme::faint),
            words("Kept in your system’s keyring, never in a file.", size::SMALL, theme::dim),
        ];
        let kept = kept.spacing(5).align_y(Alignment::Center);
        column![labelled("Password", stack![password, show]), kept].spacing(5).into()
    }

    fn server_fields(&self) -> Element<'_, Message> {
        let host = field("pop.example.org", &self.host).on_input(Message::Host).on_submit(Message::Save);
        let port = field("995", &self.port).on_input(Message::Port).on_submit(Message::Save);
        let security = pick_list(ENCRYPTIONS, self.security.map(Encryption), |chosen| Message::Security(chosen.0))
            .text_size(size::BODY)
            .padding([9, 11])
            .width(Fill)
            .handle(pick_list::Handle::Static(pick_list::Icon {
                font: icon::FONT,
                code_point: icon::CHEVRON_DOWN,
                size: Some(size::ICON.into()),
                line_height: text::LineHeight::default(),
                shaping: text::Shaping::Basic,
            }))
            .style(theme::choice)
            .menu_style(theme::menu);
        let fields = row![
            labelled("POP3 server", host).width(FillPortion(10)),
            labelled("Port", port).width(FillPortion(5)),
            labelled("Encryption", security).width(FillPortion(7)),
        ]
        .spacing(10);
        let name = if self.more { "Less" } else { "More" };
        column![fields, link(name, Some(Message::More))].spacing(6).into()
    }

    fn more_fields(&self) -> Element<'_, Message> {
        let user = field("The whole address", &self.user).on_input(Message::User).on_submit(Message::Save);
        let file = field("A PEM file, for a server with its own certificate authority", &self.ca_file)
            .on_input(Message::CaFile)
            .on_submit(Message::Save);
        let choose = act(Some(icon::FILE), "Choose", theme::plain, Some(Message::ChooseCaFile)).height(36);
        column![
            labelled("User name on the server", user),
            labelled("Certificate authority", row![file, choose].spacing(8).align_y(Alignment::Center)),
        ]
        .spacing(12)
        .into()
    }

    fn plaintext(&self) -> Element<'_, Message> {
        let warning = "Without encryption, anyone between you and the server can read your password and your mail.";
        let accept = toggle(
            self.plaintext_accepted,
            words("I know, and want to connect without encryption", size::BODY, theme::ink),
            Some(Message::AcceptPlaintext(!self.plaintext_accepted)),
        );
        column![strip(icon::LOCK_OPEN, Tone::Trouble, warning, Vec::new()), accept].spacing(10).into()
    }

    fn leaving(&self) -> Element<'_, Message> {
        let meaning = if self.leave_copy {
            "Your mail stays readable in other programs too. You can change this at any time."
        } else {
            "Mail is removed from the server once it is proved to be stored on this computer."
        };
        let beside = column![words("Leave a copy on server", size::BODY, theme::ink).font(theme::BOLD), says(meaning),];
        toggle(self.leave_copy, beside, Some(Message::LeaveCopy(!self.leave_copy)))
    }

    /// What came of the test, if anything did yet.
    fn outcome(&self) -> Option<Element<'_, Message>> {
        match &self.state {
            State::Editing => None,
            State::Testing { .. } => Some(says("Connecting and logging in. Nothing is changed on the server.").into()),
            State::Saving => Some(says("Saving.").into()),
            State::Tested(stat) => {
                let line = format!("Connected: {}, {}", messages(stat.messages), octets(stat.octets));
                let line = row![
                    icon(icon::CHECK).style(theme::accent),
                    words(line, size::BODY, theme::accent).font(theme::BOLD),
                ];
                Some(line.spacing(7).align_y(Alignment::Center).into())
            }
            State::Failed(problem) => {
                let anyway = link("Save it as it is", Some(Message::SaveAnyway));
                Some(column![trouble(problem, None), anyway].spacing(8).into())
            }
        }
    }

    fn buttons(&self, first: bool) -> Vec<Element<'_, Message>> {
        let ready = self.is_complete() && !self.is_busy();
        let (name, way_out) = match (&self.account, first) {
            (Some(_), _) => ("Save", tool(None, "Not now", Some(Message::Cancel))),
            (None, true) => ("Add mailbox", tool(None, "Try the sample mailbox", Some(Message::TrySample))),
            (None, false) => ("Add mailbox", tool(None, "Not now", Some(Message::Cancel))),
        };
        let mut buttons = Row::new().spacing(8);
        if first {
            buttons = buttons.push(tool(None, "Back", Some(Message::Cancel)));
        }
        let buttons = buttons
            .push(way_out)
            .push(act(None, "Test connection", theme::plain, ready.then_some(Message::Test)))
            .push(act(None, name, theme::primary, ready.then_some(Message::Save)));
        vec![buttons.height(measure::CONTROL).align_y(Alignment::Center).into()]
    }
}
