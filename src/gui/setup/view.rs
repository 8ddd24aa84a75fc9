//! How the set-up form is drawn.

use iced::widget::{Column, column, container, pick_list, row, scrollable, text};
use iced::{Alignment, Element, Fill, FillPortion, padding};

use super::{Encryption, Field, Message, Setup, State, Typed};
use crate::account::Account;
use crate::gui::icon::{self, icon};
use crate::gui::theme::{self, size};
use crate::gui::widget::{
    Tone, act, field, gap, glyph, labelled, link, over, says, sheet, strip, toggle, tool, trouble, words,
};
use crate::gui::words::{messages, size as octets};

impl Setup {
    /// The form; `first` when there is no mailbox yet and the sample one is offered.
    pub fn view(&self, first: bool) -> Element<'_, Message> {
        if let (State::Same, Some(before)) = (&self.state, self.form.before()) {
            return self.same(before);
        }
        let mut content = vec![
            says("Postkeep fetches your mail over an encrypted connection and keeps it on this computer.").into(),
            self.address_field(),
            self.password_field(),
        ];
        content.extend(self.note());
        content.push(self.server_fields());
        if self.form.is_plain() {
            content.push(self.plain());
        }
        content.push(self.more());
        content.push(self.leaving());
        content.extend(self.outcome());
        let heading = if self.form.before().is_some() { "Change the mailbox" } else { "Add your mailbox" };
        let form = sheet(heading, content, self.buttons(first));
        scrollable(container(form).center_x(Fill).padding(16)).style(theme::scroll).into()
    }

    /// Whether the mailbox at the new address of a server is the one it was before (quirk 50).
    fn same(&self, before: &Account) -> Element<'_, Message> {
        let from = format!("{} at {}", before.server.user, before.server.host);
        let to = format!("{} at {}", self.form.value(Field::User).trim(), self.form.value(Field::Host).trim());
        let content = vec![
            says(format!("You changed where the mail of this account is, from {from} to {to}.")).into(),
            says(
                "The same mailbox under another name: Postkeep goes on where it was, and fetches only what is new. Another                  mailbox: everything in it is fetched, and nothing is removed from it until you agree. What is here stays                  here either way.",
            )
            .into(),
        ];
        let buttons = vec![
            act(None, "Cancel", theme::quiet, Some(Message::Stop)).into(),
            act(None, "Another mailbox", theme::plain, Some(Message::SameMailbox(false))).into(),
            act(None, "The same mailbox", theme::primary, Some(Message::SameMailbox(true))).into(),
        ];
        sheet("Is it the same mailbox?", content, buttons)
    }

    /// A field with its label above it and, where it is wrong, a sentence below it.
    fn input<'a>(&'a self, which: Field, name: &'a str, hint: &'a str) -> Column<'a, Message> {
        self.told(which, name, self.bare(which, hint).into())
    }

    fn bare<'a>(&'a self, which: Field, hint: &'a str) -> iced::widget::TextInput<'a, Message> {
        let style = if self.shown_error(which).is_some() { theme::field_wrong } else { theme::field };
        field(hint, self.form.value(which))
            .id(which.id())
            .on_input(move |text| Message::Written(which, Typed(text)))
            .on_submit(Message::Submit)
            .style(style)
    }

    fn told<'a>(&'a self, which: Field, name: &'a str, input: Element<'a, Message>) -> Column<'a, Message> {
        let mut whole = labelled(name, input);
        if let Some(error) = self.shown_error(which) {
            whole = whole.push(words(error, size::SMALL, theme::bad));
        }
        whole
    }

    fn shown_error(&self, which: Field) -> Option<&'static str> {
        if which == Field::Address && self.address_taken {
            return Some("There is a mailbox with this address already. Change that one in its settings.");
        }
        self.form.shown_error(which)
    }

    fn address_field(&self) -> Element<'_, Message> {
        self.input(Field::Address, "E-mail address", "you@example.org").into()
    }

    fn password_field(&self) -> Element<'_, Message> {
        let hint = match self.form.before() {
            Some(account) if account.password_command.is_some() => "From the password command",
            Some(_) => "Unchanged",
            None => "",
        };
        let password = self
            .bare(Field::Password, hint)
            .secure(!self.password_shown)
            .padding(padding::horizontal(11).vertical(9).right(44));
        let (eye, name) =
            if self.password_shown { (icon::EYE_OFF, "Hide the password") } else { (icon::EYE, "Show the password") };
        let show = container(glyph(eye, name, Some(Message::ShowPassword)));
        let show = show.align_right(Fill).center_y(Fill).padding(padding::right(3));
        let kept = row![
            icon(icon::LOCK).size(15).style(theme::faint),
            words("Kept in your system’s keyring if it has one, never in a file.", size::SMALL, theme::faint),
        ];
        let kept = kept.spacing(4).align_y(Alignment::Center);
        self.told(Field::Password, "Password", over(password, show)).push(kept).into()
    }

    /// What the provider asks of its users.
    fn note(&self) -> Option<Element<'_, Message>> {
        let (mut note, page) = self.form.note()?;
        let actions = match page {
            Some(page) if self.page_opened => {
                note.push_str(&format!(" The page is {page}"));
                Vec::new()
            }
            Some(page) => vec![("Show me", Message::OpenPage(page))],
            None => Vec::new(),
        };
        Some(strip(icon::SERVER, Tone::Note, note, actions))
    }

    fn server_fields(&self) -> Element<'_, Message> {
        let security = pick_list(Encryption::ALL, Some(Encryption(self.form.security())), Message::Encrypted)
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
        row![
            self.input(Field::Host, "POP3 server", "pop.example.org").width(FillPortion(200)),
            self.input(Field::Port, "Port", "").width(FillPortion(100)),
            labelled("Encryption", security).width(FillPortion(139)),
        ]
        .spacing(10)
        .into()
    }

    /// A connection that others can read: what that means, and the user's word.
    fn plain(&self) -> Element<'_, Message> {
        let warning =
            "Without encryption, anyone between this computer and the server can read your password and your mail.";
        let agreed = self.form.plain_agreed;
        let agree = words("I understand, and want to connect without encryption", size::BODY, theme::ink);
        let agree = toggle(agreed, agree, Some(Message::AgreeToPlain(!agreed)));
        column![strip(icon::LOCK_OPEN, Tone::Trouble, warning, Vec::new()), agree].spacing(10).into()
    }

    /// What is seldom needed.
    fn more(&self) -> Element<'_, Message> {
        let (arrow, name) = if self.more {
            (icon::CHEVRON_DOWN, "Less")
        } else {
            (icon::CHEVRON_RIGHT, "More: user name, name shown, own certificate")
        };
        let label = row![icon(arrow).size(14), text(name).size(size::SMALL)].spacing(4).align_y(Alignment::Center);
        let head = iced::widget::button(label).padding(0).style(theme::fold).on_press(Message::More);
        if !self.more {
            return head.into();
        }
        let names = row![
            self.input(Field::User, "User name on the server", "").width(Fill),
            self.input(Field::Name, "Name shown in the list", "The address").width(Fill),
        ];
        let choose = act(Some(icon::FILE), "Choose", theme::plain, Some(Message::ChooseCaFile)).height(36);
        let file = self.bare(Field::CaFile, "A PEM file, for a server with a certificate of its own");
        let file = row![file, choose].spacing(8).align_y(Alignment::Center);
        let file = self.told(Field::CaFile, "Certificate authority", file.into());
        column![head, names.spacing(10), file].spacing(12).into()
    }

    fn leaving(&self) -> Element<'_, Message> {
        let on = self.form.leave_copy;
        let meaning = if on {
            "Your mail stays readable in other programs too. You can change this at any time."
        } else {
            "Mail leaves the server once it is proved to be stored here. Before anything is removed, you see the numbers and \
             are asked."
        };
        let beside = column![words("Leave a copy on server", size::BODY, theme::ink).font(theme::BOLD), says(meaning),];
        toggle(on, beside, Some(Message::LeaveCopy(!on)))
    }

    /// What came of the test, if anything did yet.
    fn outcome(&self) -> Option<Element<'_, Message>> {
        match &self.state {
            State::Resting | State::Same => None,
            State::Testing { .. } => {
                let asking = says(format!("Asking {}. Nothing is changed there.", self.form.value(Field::Host)));
                let line = row![icon(icon::REFRESH_CW).style(theme::dim), asking.width(Fill)]
                    .push(link("Stop", Some(Message::Stop)));
                Some(line.spacing(7).align_y(Alignment::Center).into())
            }
            State::Saving => Some(says("Saving the mailbox, and the password in the keyring.").into()),
            State::Connected(stat) => {
                let line = format!("Connected: {}, {}", messages(stat.messages), octets(stat.octets));
                let line = words(line, size::BODY, theme::accent).font(theme::BOLD);
                let line = row![icon(icon::CHECK).style(theme::accent), line.width(Fill)];
                Some(line.spacing(7).align_y(Alignment::Center).into())
            }
            State::Failed(problem) => {
                let name = if self.form.before().is_some() { "Save anyway" } else { "Add anyway" };
                let anyway = self.form.server().map(|_| Message::SaveAnyway);
                let anyway = row![gap(), link(name, anyway)];
                Some(column![trouble(problem, None), anyway].spacing(6).into())
            }
        }
    }

    fn buttons(&self, first: bool) -> Vec<Element<'_, Message>> {
        let ready = self.form.server().is_some() && !self.is_busy();
        let name = if self.form.before().is_some() { "Save" } else { "Add mailbox" };
        let mut buttons: Vec<Element<'_, Message>> = Vec::new();
        if first {
            buttons.push(tool(None, "Back", Some(Message::Cancel)).into());
            buttons.push(gap().into());
            buttons.push(act(None, "Try the sample mailbox", theme::quiet, Some(Message::TrySample)).into());
        } else {
            buttons.push(act(None, "Cancel", theme::quiet, Some(Message::Cancel)).into());
        }
        buttons.push(act(None, "Test connection", theme::plain, ready.then_some(Message::Test)).into());
        buttons.push(act(None, name, theme::primary, ready.then_some(Message::Submit)).into());
        buttons
    }
}
