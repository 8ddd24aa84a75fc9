//! The fonts of the system, and which of them help where a text's own font has no shape for a sign.

use std::sync::Arc;

use fontique::{Blob, Collection, CollectionOptions, FallbackKey, GenericFamily, Script, SourceCache};
use parley::FontContext;

/// Families that draw signs which text fonts lack.
const SYMBOLS: &[&str] =
    &["Noto Sans Symbols", "Noto Sans Symbols 2", "Noto Sans Symbols2", "Noto Sans Math", "DejaVu Sans"];
/// Families of colour emoji.
const EMOJI: &[&str] = &["Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", "Twemoji"];

pub(super) fn context() -> FontContext {
    let mut collection = Collection::new(CollectionOptions { shared: false, system_fonts: true });
    collection.register_fonts(Blob::new(Arc::new(blitz_dom::BULLET_FONT) as _), None);
    let mut known = |names: &[&str]| names.iter().filter_map(|name| collection.family_id(name)).collect::<Vec<_>>();
    let (symbols, emoji) = (known(SYMBOLS), known(EMOJI));
    for script in [b"Zyyy", b"Zinh", b"Zsym"] {
        collection.append_fallbacks(FallbackKey::new(Script::from_bytes(*script), None), symbols.iter().copied());
    }
    if !emoji.is_empty() {
        collection.append_fallbacks(FallbackKey::new(Script::from_bytes(*b"Zsye"), None), emoji.iter().copied());
        collection.append_generic_families(GenericFamily::Emoji, emoji.into_iter());
    }
    // The families that mail is written for, or others with the same widths, before whatever else the system has.
    for (generic, names) in [
        (GenericFamily::SansSerif, &["Arial", "Liberation Sans", "Arimo", "Helvetica", "Nimbus Sans"][..]),
        (GenericFamily::Serif, &["Times New Roman", "Liberation Serif", "Tinos", "Times", "Nimbus Roman"][..]),
    ] {
        let known: Vec<_> = names.iter().filter_map(|name| collection.family_id(name)).collect();
        let others: Vec<_> = collection.generic_families(generic).filter(|id| !known.contains(id)).collect();
        collection.set_generic_families(generic, known.into_iter().chain(others));
    }
    FontContext { collection, source_cache: SourceCache::new_shared() }
}
