//! How the window looks: the colours of the light and the dark theme, the fonts, the measures, and the styles that
//! the widgets take. No colour is written anywhere else.

use iced::font::Weight;
use iced::widget::{button, container, pick_list, progress_bar, scrollable, text, text_input};
use iced::{Background, Border, Color, Font, Shadow, Theme, Vector, border, color, overlay};

/// The family of the fonts in `assets/fonts`.
pub const FAMILY: &str = "Postkeep Inter";
pub const REGULAR: Font = Font::with_name(FAMILY);
pub const MEDIUM: Font = Font { weight: Weight::Medium, ..REGULAR };
pub const BOLD: Font = Font { weight: Weight::Semibold, ..REGULAR };

/// Semi-bold text. Where Inter lacks the letters the fonts of the system stand in, which have a bold but hardly ever a
/// semi-bold, and are taken only when the weight is theirs.
pub fn bold(text: &str) -> Font {
    let in_inter =
        |letter: char| matches!(letter, '\0'..='\u{52F}' | '\u{1E00}'..='\u{2BFF}') || !letter.is_alphabetic();
    if text.chars().all(in_inter) { BOLD } else { Font { weight: Weight::Bold, ..REGULAR } }
}

/// Text sizes in logical pixels.
pub mod size {
    pub const SUBJECT: f32 = 21.0;
    pub const TITLE: f32 = 18.0;
    pub const BODY: f32 = 13.0;
    pub const SMALL: f32 = 12.0;
    pub const CAPTION: f32 = 11.0;
    pub const ICON: f32 = 16.0;
    /// The text of a message, a little larger than the window's own.
    pub const READING: f32 = 14.0;
}

/// Widths and heights in logical pixels, on a grid of 4 and 8.
pub mod measure {
    pub const TOP_BAR: f32 = 52.0;
    pub const HEAD: f32 = 40.0;
    pub const STATUS: f32 = 34.0;
    pub const SIDEBAR: f32 = 232.0;
    pub const SIDEBAR_ICONS: f32 = 56.0;
    pub const LIST: f32 = 372.0;
    pub const CONTROL: f32 = 34.0;
    pub const DIALOG: f32 = 600.0;
    /// Corners of buttons and fields, of cards, of dialogs.
    pub const CORNER: f32 = 8.0;
    pub const CORNER_CARD: f32 = 10.0;
    pub const CORNER_DIALOG: f32 = 14.0;
    /// Below this the sidebar shows icons only.
    pub const NARROW: f32 = 980.0;
    /// Below this the list and the reader take turns.
    pub const SINGLE: f32 = 720.0;
}

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Window, bars, fields.
    pub bg: Color,
    pub side: Color,
    /// List, reader, cards.
    pub card: Color,
    /// Hairlines.
    pub line: Color,
    pub ink: Color,
    /// Secondary text.
    pub dim: Color,
    /// Times and counts; still at least 4.5:1 on every ground that they stand on.
    pub faint: Color,
    pub accent: Color,
    /// Text on the accent.
    pub on_accent: Color,
    /// Selected rows, chips.
    pub soft: Color,
    /// The ground of what a search hit.
    pub mark: Color,
    pub warn: Color,
    pub warn_ground: Color,
    pub bad: Color,
    pub bad_ground: Color,
    /// Over the window, under a dialog.
    pub veil: Color,
}

pub const LIGHT: Tokens = Tokens {
    bg: color!(0xF4F3EF),
    side: color!(0xECEAE4),
    card: color!(0xFFFFFF),
    line: color!(0xDEDAD1),
    ink: color!(0x1E2226),
    dim: color!(0x53595F),
    faint: color!(0x5D636A),
    accent: color!(0x17695A),
    on_accent: color!(0xFFFFFF),
    soft: color!(0xDDEEE8),
    mark: color!(0xFBECB6),
    warn: color!(0x8A5A00),
    warn_ground: color!(0xFBF1DC),
    bad: color!(0xA9342B),
    bad_ground: color!(0xFBE9E6),
    veil: color!(0x1E2226, 0.34),
};

pub const DARK: Tokens = Tokens {
    bg: color!(0x15181B),
    side: color!(0x191D20),
    card: color!(0x1D2125),
    line: color!(0x2B3136),
    ink: color!(0xE4E7EA),
    dim: color!(0xAAB1B8),
    faint: color!(0x98A0A8),
    accent: color!(0x5DC4A8),
    on_accent: color!(0x10201B),
    soft: color!(0x1F3A33),
    mark: color!(0x40350F),
    warn: color!(0xE0B35A),
    warn_ground: color!(0x2F2817),
    bad: color!(0xEE8B81),
    bad_ground: color!(0x36201E),
    veil: color!(0x000000, 0.5),
};

/// What the user chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    #[default]
    System,
    Light,
    Dark,
}

impl Choice {
    pub const ALL: [Choice; 3] = [Choice::Light, Choice::Dark, Choice::System];

    /// The word under which it is remembered.
    pub fn as_str(self) -> &'static str {
        match self {
            Choice::System => "system",
            Choice::Light => "light",
            Choice::Dark => "dark",
        }
    }

    /// The choice remembered as `word`; the system's for any other word.
    pub fn of(word: &str) -> Choice {
        Choice::ALL.into_iter().find(|choice| choice.as_str() == word).unwrap_or_default()
    }

    /// The theme to draw with; `system` says whether the platform is dark.
    pub fn theme(self, system_is_dark: bool) -> Theme {
        let dark = match self {
            Choice::System => system_is_dark,
            Choice::Light => false,
            Choice::Dark => true,
        };
        theme(dark)
    }
}

fn theme(dark: bool) -> Theme {
    let (name, tokens) = if dark { ("Postkeep dark", DARK) } else { ("Postkeep light", LIGHT) };
    Theme::custom(
        name,
        iced::theme::Palette {
            // The ground that every frame begins with: paper, as most of the window is. A quad of that size takes the
            // software renderer milliseconds each time that anything on it changes.
            background: tokens.card,
            text: tokens.ink,
            primary: tokens.accent,
            success: tokens.accent,
            warning: tokens.warn,
            danger: tokens.bad,
        },
    )
}

/// The colours of a theme.
pub fn tokens(theme: &Theme) -> &'static Tokens {
    if theme.extended_palette().is_dark { &DARK } else { &LIGHT }
}

fn mixed(from: Color, to: Color, part: f32) -> Color {
    let mix = |a: f32, b: f32| a + (b - a) * part;
    Color::from_rgb(mix(from.r, to.r), mix(from.g, to.g), mix(from.b, to.b))
}

// Text.

pub fn ink(theme: &Theme) -> text::Style {
    text::Style { color: Some(tokens(theme).ink) }
}

pub fn dim(theme: &Theme) -> text::Style {
    text::Style { color: Some(tokens(theme).dim) }
}

pub fn faint(theme: &Theme) -> text::Style {
    text::Style { color: Some(tokens(theme).faint) }
}

pub fn accent(theme: &Theme) -> text::Style {
    text::Style { color: Some(tokens(theme).accent) }
}

pub fn warn(theme: &Theme) -> text::Style {
    text::Style { color: Some(tokens(theme).warn) }
}

pub fn bad(theme: &Theme) -> text::Style {
    text::Style { color: Some(tokens(theme).bad) }
}

// Grounds.

fn ground(color: Color) -> container::Style {
    container::Style { background: Some(Background::Color(color)), ..container::Style::default() }
}

pub fn window(theme: &Theme) -> container::Style {
    ground(tokens(theme).bg)
}

pub fn sidebar(theme: &Theme) -> container::Style {
    ground(tokens(theme).side)
}

/// The head over rows that are selected.
pub fn chosen(theme: &Theme) -> container::Style {
    ground(tokens(theme).soft)
}

pub fn veil(theme: &Theme) -> container::Style {
    ground(tokens(theme).veil)
}

/// A line drawn as a container.
pub fn hairline(theme: &Theme) -> container::Style {
    ground(tokens(theme).line)
}

fn outlined(theme: &Theme, fill: Color, corner: f32) -> container::Style {
    container::Style {
        background: Some(Background::Color(fill)),
        border: Border { color: tokens(theme).line, width: 1.0, radius: corner.into() },
        ..container::Style::default()
    }
}

pub fn card(theme: &Theme) -> container::Style {
    outlined(theme, tokens(theme).card, measure::CORNER_CARD)
}

/// The frame around two buttons that belong together.
pub fn outline(theme: &Theme) -> container::Style {
    outlined(theme, tokens(theme).card, measure::CORNER)
}

pub fn dialog(theme: &Theme) -> container::Style {
    outlined(theme, tokens(theme).card, measure::CORNER_DIALOG)
}

/// What lies over the panes for a while: a menu, the words about a deletion. Without a shadow, which grows darker wherever only a
/// part of the window is drawn again.
pub fn told(theme: &Theme) -> container::Style {
    let tokens = tokens(theme);
    container::Style {
        background: Some(Background::Color(tokens.card)),
        border: border::rounded(measure::CORNER_CARD).color(tokens.faint).width(1),
        text_color: Some(tokens.ink),
        ..container::Style::default()
    }
}

/// A tooltip.
pub fn hint(theme: &Theme) -> container::Style {
    container::Style {
        background: Some(Background::Color(tokens(theme).ink)),
        text_color: Some(tokens(theme).card),
        border: border::rounded(6),
        ..container::Style::default()
    }
}

pub fn note(theme: &Theme) -> container::Style {
    container::Style { border: border::rounded(measure::CORNER), ..ground(tokens(theme).warn_ground) }
}

pub fn trouble(theme: &Theme) -> container::Style {
    container::Style { border: border::rounded(measure::CORNER), ..ground(tokens(theme).bad_ground) }
}

pub fn good(theme: &Theme) -> container::Style {
    container::Style { border: border::rounded(measure::CORNER), ..ground(tokens(theme).soft) }
}

pub fn well(theme: &Theme) -> container::Style {
    outlined(theme, tokens(theme).bg, measure::CORNER)
}

/// A row of a [`card`]'s table that wants attention.
pub fn flagged(theme: &Theme) -> container::Style {
    ground(tokens(theme).warn_ground)
}

/// The same as the last row, whose lower corners follow the card's.
pub fn flagged_last(theme: &Theme) -> container::Style {
    container::Style {
        border: Border { radius: border::bottom(measure::CORNER_CARD - 1.0), ..Border::default() },
        ..flagged(theme)
    }
}

/// The round ground of an avatar.
pub fn avatar(theme: &Theme) -> container::Style {
    container::Style {
        text_color: Some(tokens(theme).accent),
        border: border::rounded(19),
        ..ground(tokens(theme).soft)
    }
}

// Buttons.

fn pressed(fill: Option<Color>, ink: Color, line: Color, corner: f32) -> button::Style {
    button::Style {
        background: fill.map(Background::Color),
        text_color: ink,
        border: Border {
            color: line,
            width: if line == Color::TRANSPARENT { 0.0 } else { 1.0 },
            radius: corner.into(),
        },
        ..button::Style::default()
    }
}

/// The one button that goes on.
pub fn primary(theme: &Theme, status: button::Status) -> button::Style {
    let tokens = tokens(theme);
    let (fill, ink) = match status {
        button::Status::Active => (tokens.accent, tokens.on_accent),
        button::Status::Hovered => (mixed(tokens.accent, tokens.ink, 0.14), tokens.on_accent),
        button::Status::Pressed => (mixed(tokens.accent, tokens.ink, 0.28), tokens.on_accent),
        button::Status::Disabled => (mixed(tokens.line, tokens.card, 0.3), tokens.faint),
    };
    pressed(Some(fill), ink, Color::TRANSPARENT, measure::CORNER)
}

/// A button with an outline.
pub fn plain(theme: &Theme, status: button::Status) -> button::Style {
    let tokens = tokens(theme);
    let (fill, ink) = match status {
        button::Status::Active => (tokens.card, tokens.ink),
        button::Status::Hovered => (mixed(tokens.card, tokens.ink, 0.04), tokens.ink),
        button::Status::Pressed => (mixed(tokens.card, tokens.ink, 0.09), tokens.ink),
        button::Status::Disabled => (tokens.card, tokens.faint),
    };
    pressed(Some(fill), ink, tokens.line, measure::CORNER)
}

/// A card that can be pressed.
pub fn card_button(theme: &Theme, status: button::Status) -> button::Style {
    let style = plain(theme, status);
    button::Style { border: Border { radius: measure::CORNER_CARD.into(), ..style.border }, ..style }
}

/// A button that removes something.
pub fn danger(theme: &Theme, status: button::Status) -> button::Style {
    let tokens = tokens(theme);
    let fill = match status {
        button::Status::Hovered => tokens.bad_ground,
        button::Status::Pressed => mixed(tokens.bad_ground, tokens.bad, 0.12),
        _ => tokens.card,
    };
    let ink = if status == button::Status::Disabled { tokens.faint } else { tokens.bad };
    pressed(Some(fill), ink, tokens.line, measure::CORNER)
}

/// A button without an outline: toolbars, the quiet way out of a dialog.
pub fn quiet(theme: &Theme, status: button::Status) -> button::Style {
    let tokens = tokens(theme);
    let (fill, ink) = match status {
        button::Status::Active => (None, tokens.dim),
        button::Status::Hovered => (Some(Color { a: 0.06, ..tokens.ink }), tokens.ink),
        button::Status::Pressed => (Some(Color { a: 0.11, ..tokens.ink }), tokens.ink),
        button::Status::Disabled => (None, Color { a: 0.75, ..tokens.faint }),
    };
    pressed(fill, ink, Color::TRANSPARENT, measure::CORNER)
}

/// Words that unfold something; no ground, since they stand at the edge of it.
pub fn fold(theme: &Theme, status: button::Status) -> button::Style {
    button::Style { background: None, ..quiet(theme, status) }
}

/// Words that act.
pub fn link(theme: &Theme, status: button::Status) -> button::Style {
    let tokens = tokens(theme);
    let ink = match status {
        button::Status::Active => tokens.accent,
        button::Status::Hovered | button::Status::Pressed => mixed(tokens.accent, tokens.ink, 0.3),
        button::Status::Disabled => tokens.faint,
    };
    pressed(None, ink, Color::TRANSPARENT, 4.0)
}

/// A word that can be put into a field.
pub fn chip(theme: &Theme, status: button::Status) -> button::Style {
    let tokens = tokens(theme);
    let fill = match status {
        button::Status::Hovered | button::Status::Pressed => mixed(tokens.soft, tokens.accent, 0.09),
        _ => tokens.soft,
    };
    pressed(Some(fill), tokens.accent, Color::TRANSPARENT, 6.0)
}

/// A line of the sidebar.
pub fn place(chosen: bool) -> impl Fn(&Theme, button::Status) -> button::Style {
    move |theme, status| {
        let tokens = tokens(theme);
        let fill = match (chosen, status) {
            (true, _) => Some(tokens.soft),
            (false, button::Status::Hovered | button::Status::Pressed) => Some(Color { a: 0.05, ..tokens.ink }),
            (false, _) => None,
        };
        pressed(fill, tokens.ink, Color::TRANSPARENT, measure::CORNER)
    }
}

/// One of several choices side by side.
pub fn segment(chosen: bool) -> impl Fn(&Theme, button::Status) -> button::Style {
    move |theme, status| {
        let tokens = tokens(theme);
        if chosen {
            pressed(Some(tokens.soft), tokens.accent, tokens.accent, measure::CORNER)
        } else {
            plain(theme, status)
        }
    }
}

// Fields.

fn field_border(theme: &Theme, focused: bool, hovered: bool) -> Border {
    let tokens = tokens(theme);
    let (color, width) = match (focused, hovered) {
        (true, _) => (tokens.accent, 2.0),
        (false, true) => (mixed(tokens.line, tokens.ink, 0.25), 1.0),
        (false, false) => (tokens.line, 1.0),
    };
    Border { color, width, radius: measure::CORNER.into() }
}

pub fn field(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let tokens = tokens(theme);
    let focused = matches!(status, text_input::Status::Focused { .. });
    text_input::Style {
        background: Background::Color(if focused { tokens.card } else { tokens.bg }),
        border: field_border(theme, focused, status == text_input::Status::Hovered),
        icon: tokens.faint,
        placeholder: tokens.faint,
        value: if status == text_input::Status::Disabled { tokens.faint } else { tokens.ink },
        selection: mixed(tokens.soft, tokens.accent, 0.25),
    }
}

/// A field whose value cannot be used yet.
pub fn field_wrong(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let style = field(theme, status);
    text_input::Style { border: Border { color: tokens(theme).bad, ..style.border }, ..style }
}

/// The search box: paper on the window's ground.
pub fn search(theme: &Theme, status: text_input::Status) -> text_input::Style {
    text_input::Style { background: Background::Color(tokens(theme).card), ..field(theme, status) }
}

/// The ground of selected text: links and what is quoted are read on it as well.
pub fn selected(tokens: &Tokens) -> Color {
    mixed(tokens.soft, tokens.accent, 0.09)
}

/// The line around the one place, of those that were looked for, that is in front. Its ground is that of the others: a
/// stronger one would leave too little of what is quoted, and of links.
pub fn chosen_mark(tokens: &Tokens) -> Border {
    border::rounded(2).color(tokens.warn).width(1.5)
}

/// The address under the mouse, at the foot of the reader.
pub fn foot(theme: &Theme) -> container::Style {
    let tokens = tokens(theme);
    container::Style {
        background: Some(Background::Color(tokens.bg)),
        border: Border { color: tokens.line, width: 1.0, radius: border::top_right(measure::CORNER) },
        text_color: Some(tokens.dim),
        ..container::Style::default()
    }
}

pub fn choice(theme: &Theme, status: pick_list::Status) -> pick_list::Style {
    let tokens = tokens(theme);
    let open = matches!(status, pick_list::Status::Opened { .. });
    pick_list::Style {
        text_color: tokens.ink,
        placeholder_color: tokens.faint,
        handle_color: tokens.dim,
        background: Background::Color(if open { tokens.card } else { tokens.bg }),
        border: field_border(theme, open, matches!(status, pick_list::Status::Hovered)),
    }
}

pub fn menu(theme: &Theme) -> overlay::menu::Style {
    let tokens = tokens(theme);
    overlay::menu::Style {
        background: Background::Color(tokens.card),
        border: Border { color: tokens.line, width: 1.0, radius: measure::CORNER.into() },
        text_color: tokens.ink,
        selected_text_color: tokens.ink,
        selected_background: Background::Color(tokens.soft),
        shadow: Shadow { color: color!(0x000000, 0.14), offset: Vector::new(0.0, 6.0), blur_radius: 16.0 },
    }
}

pub fn progress(theme: &Theme) -> progress_bar::Style {
    let tokens = tokens(theme);
    progress_bar::Style {
        background: Background::Color(mixed(tokens.line, tokens.bg, 0.15)),
        bar: Background::Color(tokens.accent),
        border: border::rounded(3),
    }
}

/// The colour of a scroll bar's thumb.
pub fn thumb(tokens: &Tokens, held: bool) -> Color {
    mixed(tokens.line, tokens.ink, if held { 0.4 } else { 0.18 })
}

pub fn scroll(theme: &Theme, status: scrollable::Status) -> scrollable::Style {
    let tokens = tokens(theme);
    let held = match status {
        scrollable::Status::Active { .. } => false,
        scrollable::Status::Hovered { is_vertical_scrollbar_hovered, is_horizontal_scrollbar_hovered, .. } => {
            is_vertical_scrollbar_hovered || is_horizontal_scrollbar_hovered
        }
        scrollable::Status::Dragged { .. } => true,
    };
    let rail = scrollable::Rail {
        background: None,
        border: Border::default(),
        scroller: scrollable::Scroller {
            background: Background::Color(thumb(tokens, held)),
            border: border::rounded(3),
        },
    };
    scrollable::Style {
        container: container::Style::default(),
        vertical_rail: rail,
        horizontal_rail: rail,
        gap: None,
        auto_scroll: scrollable::AutoScroll {
            background: Background::Color(tokens.card),
            border: Border { color: tokens.line, width: 1.0, radius: 16.0.into() },
            shadow: Shadow::default(),
            icon: tokens.dim,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Background, Choice, Color, DARK, LIGHT, Tokens, button, chip, danger, link, mixed, place, plain, primary,
        quiet, segment, selected, theme, tokens,
    };

    fn luminance(color: Color) -> f32 {
        let [r, g, b, _] = color.into_linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn contrast(a: Color, b: Color) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// What is seen of a colour on a ground.
    fn over(color: Color, ground: Color) -> Color {
        mixed(ground, Color { a: 1.0, ..color }, color.a)
    }

    /// Each colour of words, and the grounds that they stand on somewhere in the window.
    fn words(t: &Tokens) -> Vec<(&'static str, Color, Vec<Color>)> {
        let hovered = |ground| over(Color { a: 0.06, ..t.ink }, ground);
        let (row, chosen) = (over(Color { a: 0.03, ..t.ink }, t.card), selected(t));
        let notes = [t.warn_ground, t.bad_ground, t.soft];
        let with = |grounds: &[Color]| [&[t.card, t.bg, t.side, t.soft, row], grounds].concat();
        vec![
            ("ink", t.ink, with(&[t.mark, chosen, notes[0], notes[1], hovered(t.soft), hovered(t.side)])),
            ("dim", t.dim, with(&[t.mark, chosen, notes[0], notes[1], hovered(t.side), hovered(t.card)])),
            ("faint", t.faint, with(&[t.warn_ground, hovered(t.side), hovered(t.card)])),
            ("accent", t.accent, with(&[t.mark, chosen, notes[0], notes[1], hovered(t.side)])),
            ("warn", t.warn, with(&[t.warn_ground])),
            ("bad", t.bad, with(&[t.bad_ground])),
            ("a hint", t.card, vec![t.ink]),
        ]
    }

    #[test]
    fn every_text_has_enough_contrast() {
        for dark in [false, true] {
            let theme = theme(dark);
            let t = tokens(&theme);
            for (what, ink, grounds) in words(t) {
                for ground in grounds {
                    let ratio = contrast(ink, ground);
                    assert!(ratio >= 4.5, "{theme}: {what} has {ratio:.2}:1 on {ground:?}");
                }
            }
        }
    }

    #[test]
    fn so_has_every_button() {
        use iced::widget::button::Status;
        type Style = fn(&iced::Theme, Status) -> button::Style;
        let styles: [(&str, Style); 9] = [
            ("primary", primary),
            ("plain", plain),
            ("danger", danger),
            ("quiet", quiet),
            ("link", link),
            ("chip", chip),
            ("place", |theme, status| place(false)(theme, status)),
            ("chosen place", |theme, status| place(true)(theme, status)),
            ("chosen segment", |theme, status| segment(true)(theme, status)),
        ];
        for dark in [false, true] {
            let theme = theme(dark);
            let t = tokens(&theme);
            for (name, style) in styles {
                for status in [Status::Active, Status::Hovered, Status::Pressed, Status::Disabled] {
                    // What cannot be pressed may be paler.
                    let least = if status == Status::Disabled { 3.0 } else { 4.5 };
                    for under in [t.card, t.bg, t.side, t.soft, t.warn_ground, t.bad_ground] {
                        let style = style(&theme, status);
                        let ground = match style.background {
                            Some(Background::Color(color)) => over(color, under),
                            _ => under,
                        };
                        let ratio = contrast(over(style.text_color, ground), ground);
                        assert!(ratio >= least, "{theme}: {name} {status:?} has {ratio:.2}:1 on {under:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_choice_comes_back_from_its_word() {
        for choice in Choice::ALL {
            assert_eq!(Choice::of(choice.as_str()), choice);
        }
        assert_eq!(Choice::of("mauve"), Choice::System);
    }

    #[test]
    fn the_system_decides_only_when_asked() {
        assert_eq!(tokens(&Choice::System.theme(true)), &DARK);
        assert_eq!(tokens(&Choice::System.theme(false)), &LIGHT);
        assert_eq!(tokens(&Choice::Light.theme(true)), &LIGHT);
        assert_eq!(tokens(&Choice::Dark.theme(false)), &DARK);
    }
}
