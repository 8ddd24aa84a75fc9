//! Colours for a dark window: backgrounds made dark and text made light in OKLab, so that the hue stays what it was.

use cssparser::color::{parse_hash_color, parse_named_color};

/// What a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Ground,
    Text,
    Border,
}

/// Red, green, blue, and alpha from 0 to 1.
pub(super) type Colour = (u8, u8, u8, f32);

/// The role that the colours of a property have; `None` where they stay.
pub(super) fn role(property: &str) -> Option<Role> {
    match property {
        "color" | "-webkit-text-fill-color" | "text-decoration-color" | "text-decoration" => Some(Role::Text),
        "background" | "background-color" | "background-image" => Some(Role::Ground),
        _ if property.starts_with("border")
            || property.starts_with("outline")
            || property.starts_with("column-rule") =>
        {
            Some(Role::Border)
        }
        _ => None,
    }
}

/// The colour for a dark window.
pub(super) fn darkened(colour: Colour, role: Role) -> Colour {
    let (red, green, blue, alpha) = colour;
    let [lightness, a, b] = to_oklab([red, green, blue]);
    let wanted = match role {
        Role::Ground if lightness > 0.5 => 0.5 - (lightness - 0.5) * 0.58,
        Role::Text if lightness < 0.72 => 0.72 + (0.72 - lightness) * 0.29,
        Role::Border if lightness > 0.5 => 0.55 - (lightness - 0.5) * 0.4,
        Role::Border => 0.55 - (0.5 - lightness) * 0.3,
        Role::Ground | Role::Text => return colour,
    };
    let [red, green, blue] = from_oklab(wanted, a, b);
    (red, green, blue, alpha)
}

/// A colour as CSS.
pub(super) fn css((red, green, blue, alpha): Colour) -> String {
    if alpha >= 1.0 {
        return format!("#{red:02x}{green:02x}{blue:02x}");
    }
    format!("rgba({red},{green},{blue},{alpha})")
}

/// A colour as old attributes write it: `#abc`, `#aabbcc`, the same without the mark, or a name.
pub(super) fn legacy(value: &str) -> Option<Colour> {
    let value = value.trim();
    if value.is_empty() || value.eq_ignore_ascii_case("transparent") {
        return None;
    }
    if let Ok((red, green, blue)) = parse_named_color(&value.to_ascii_lowercase()) {
        return Some((red, green, blue, 1.0));
    }
    let digits = value.strip_prefix('#').unwrap_or(value);
    if matches!(digits.len(), 3 | 6)
        && let Ok(colour) = parse_hash_color(digits.as_bytes())
    {
        return Some((colour.0, colour.1, colour.2, 1.0));
    }
    if value.starts_with("rgb") {
        let numbers: Vec<u8> = value
            .split(|each: char| !each.is_ascii_digit())
            .filter(|number| !number.is_empty())
            .map_while(|number| number.parse().ok())
            .collect();
        if let [red, green, blue] = numbers.as_slice() {
            return Some((*red, *green, *blue, 1.0));
        }
    }
    forgiving(digits)
}

/// The rules of HTML for what is no colour: letters that are no digits count as 0, and the whole is cut into three.
fn forgiving(value: &str) -> Option<Colour> {
    if value.starts_with("rgb") || !value.chars().any(|each| each.is_ascii_hexdigit()) {
        return None;
    }
    let mut digits: Vec<u32> = value.chars().take(128).map(|each| each.to_digit(16).unwrap_or(0)).collect();
    while digits.is_empty() || !digits.len().is_multiple_of(3) {
        digits.push(0);
    }
    let third = digits.len() / 3;
    let mut parts = digits.chunks(third).map(|part| {
        let part = &part[part.len().saturating_sub(8)..];
        let shown = &part[..part.len().min(2)];
        u8::try_from(shown.iter().fold(0, |value, digit| value * 16 + digit)).unwrap_or(255)
    });
    Some((parts.next()?, parts.next()?, parts.next()?, 1.0))
}

fn to_oklab(rgb: [u8; 3]) -> [f32; 3] {
    let [red, green, blue] = rgb.map(|value| {
        let value = f32::from(value) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    });
    let l = (0.412_221_46 * red + 0.536_332_55 * green + 0.051_445_995 * blue).cbrt();
    let m = (0.211_903_5 * red + 0.680_699_5 * green + 0.107_396_96 * blue).cbrt();
    let s = (0.088_302_46 * red + 0.281_718_85 * green + 0.629_978_7 * blue).cbrt();
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// With as much of the colour as the lightness leaves room for.
fn from_oklab(lightness: f32, a: f32, b: f32) -> [u8; 3] {
    let mut strength = 1.0_f32;
    loop {
        let linear = linear_from_oklab(lightness, a * strength, b * strength);
        if strength <= 0.0 || linear.iter().all(|value| (-0.002..=1.002).contains(value)) {
            return linear.map(|value| {
                let value = value.clamp(0.0, 1.0);
                let value = if value <= 0.003_130_8 { value * 12.92 } else { 1.055 * value.powf(1.0 / 2.4) - 0.055 };
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let value = (value * 255.0).round().clamp(0.0, 255.0) as u8;
                value
            });
        }
        strength -= 0.1;
    }
}

fn linear_from_oklab(lightness: f32, a: f32, b: f32) -> [f32; 3] {
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_93 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_attributes_name_colours_in_many_ways() {
        for (value, expected) in [
            ("#abc", Some("#aabbcc")),
            ("#0A0b0C", Some("#0a0b0c")),
            ("ffffff", Some("#ffffff")),
            ("navy", Some("#000080")),
            ("White", Some("#ffffff")),
            ("rgb(1, 2,3)", Some("#010203")),
            ("chucknorris", Some("#c00000")),
            ("transparent", None),
            ("", None),
        ] {
            assert_eq!(legacy(value).map(css).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn grounds_become_dark_and_text_light_and_what_is_so_stays() {
        let lightness = |(red, green, blue, _): Colour| to_oklab([red, green, blue])[0];
        for grey in (0..=255).step_by(5) {
            let grey = (grey, grey, grey, 1.0);
            assert!(lightness(darkened(grey, Role::Ground)) <= 0.51, "{grey:?}");
            assert!(lightness(darkened(grey, Role::Text)) >= 0.71, "{grey:?}");
        }
        let white = darkened((255, 255, 255, 1.0), Role::Ground);
        assert!(white.0 < 40 && white.0 == white.1 && white.1 == white.2, "{white:?}");
        assert_eq!(darkened((255, 255, 255, 1.0), Role::Text), (255, 255, 255, 1.0));
        let yellow = darkened((255, 240, 120, 1.0), Role::Ground);
        assert!(yellow.0 > yellow.2 + 20, "the hue stays: {yellow:?}");
    }

    #[test]
    fn a_colour_goes_to_oklab_and_back() {
        for colour in [[0, 0, 0], [255, 255, 255], [200, 30, 90], [12, 180, 250]] {
            let [lightness, a, b] = to_oklab(colour);
            assert_eq!(from_oklab(lightness, a, b), colour);
        }
    }
}
