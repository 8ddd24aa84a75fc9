//! The icons (Lucide), one constant each, and the text that draws them.

use iced::Font;
use iced::widget::{Text, text};

use super::theme::size;

/// The family of `assets/fonts/Icons.ttf`.
pub const FONT: Font = Font::with_name("Postkeep Icons");

/// An icon of 16 px in the colour of the text around it.
pub fn icon<'a>(glyph: char) -> Text<'a> {
    text(glyph.to_string()).font(FONT).size(size::ICON).line_height(1.0).shaping(text::Shaping::Basic)
}

pub const ARCHIVE: char = '\u{e041}';
pub const ARROW_LEFT: char = '\u{e048}';
pub const AUDIO_LINES: char = '\u{e55a}';
pub const BAN: char = '\u{e051}';
pub const CALENDAR: char = '\u{e063}';
pub const CALENDAR_X: char = '\u{e2be}';
pub const CHECK: char = '\u{e06c}';
pub const CHEVRON_DOWN: char = '\u{e06d}';
pub const CHEVRON_RIGHT: char = '\u{e06f}';
pub const CHEVRON_UP: char = '\u{e070}';
pub const CIRCLE_ALERT: char = '\u{e077}';
pub const CLOCK: char = '\u{e087}';
pub const CODE: char = '\u{e093}';
pub const CONTACT: char = '\u{e09c}';
pub const COPY: char = '\u{e09e}';
pub const DOWNLOAD: char = '\u{e0b2}';
pub const ELLIPSIS: char = '\u{e0b6}';
pub const EXTERNAL_LINK: char = '\u{e0b9}';
pub const EYE: char = '\u{e0ba}';
pub const EYE_OFF: char = '\u{e0bb}';
pub const FILE: char = '\u{e0c0}';
pub const FILE_ARCHIVE: char = '\u{e30d}';
pub const FILE_TEXT: char = '\u{e0cc}';
pub const FILM: char = '\u{e0d0}';
pub const FLASK_CONICAL: char = '\u{e0d5}';
pub const FOLDER_INPUT: char = '\u{e334}';
pub const FOLDER_OPEN: char = '\u{e247}';
pub const FOLDER_OUTPUT: char = '\u{e337}';
pub const FORWARD: char = '\u{e229}';
pub const HARD_DRIVE: char = '\u{e0ed}';
pub const HISTORY: char = '\u{e1f5}';
pub const IMAGE: char = '\u{e0f6}';
pub const INBOX: char = '\u{e0f7}';
pub const INFO: char = '\u{e0f9}';
pub const LOCK: char = '\u{e10b}';
pub const LOCK_OPEN: char = '\u{e10c}';
pub const MAIL: char = '\u{e10f}';
pub const MAIL_OPEN: char = '\u{e363}';
pub const MAIL_WARNING: char = '\u{e367}';
pub const PANEL_LEFT: char = '\u{e12a}';
pub const PAPERCLIP: char = '\u{e12d}';
pub const PLUS: char = '\u{e13d}';
pub const PRINTER: char = '\u{e141}';
pub const REFRESH_CW: char = '\u{e145}';
pub const REPLY: char = '\u{e22a}';
pub const REPLY_ALL: char = '\u{e22b}';
pub const SEARCH: char = '\u{e151}';
pub const SERVER: char = '\u{e153}';
pub const SETTINGS: char = '\u{e154}';
pub const SHIELD_CHECK: char = '\u{e1ff}';
pub const SIGNATURE: char = '\u{e5f2}';
pub const STAR: char = '\u{e176}';
pub const TRASH_2: char = '\u{e18e}';
pub const TRIANGLE_ALERT: char = '\u{e193}';
pub const USER: char = '\u{e19f}';
pub const X: char = '\u{e1b2}';
