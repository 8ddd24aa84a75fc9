//! A normalised page as the engine's document: built node by node, never parsed again, with pictures that are at hand
//! and nothing else to load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use blitz_dom::{
    Attribute, BaseDocument, DocumentConfig, DocumentMutator, FontContext, NodeId, QualName, UserAgentStylesheet,
    local_name, ns,
};
use blitz_traits::net::{Bytes, NetHandler, NetProvider, Request};
use blitz_traits::shell::{ColorScheme, Viewport};

use super::super::normal::{Normalised, Piece};
use super::super::{Colours, View};
use super::{tables, turn};

/// What a page looks like where it says nothing.
const BASE: &str = "
    html { font-family: sans-serif; overflow-wrap: break-word }
    pk-cell { display: table-cell; padding: 0 }
    pk-row { display: table-row }
    [pk-apart] { border-collapse: separate !important; border-spacing: 0 !important }
    pk-img { display: inline-block; overflow: hidden; font-size: 13px; line-height: normal; font-weight: normal; max-width: 100% }
    pk-img[remote] { background-color: rgba(128, 128, 128, 0.12) }
    pk-tail { display: block }
    blockquote[type=cite] { margin: 0 0 0 0.8ex; padding-left: 1ex; border-left: 1px solid rgb(204, 204, 204) }
    pre { white-space: pre-wrap }
";
/// And in a dark window.
const DARK: &str = "
    html { color: #e6e6e6 }
    a[href] { color: #8ab4f8 }
    hr { border-color: #5a5a5a }
";

/// Answers for the pictures of a page, at once; for anything else with nothing, so that nobody waits for it.
struct Pictures {
    octets: Vec<Bytes>,
    asked: Arc<AtomicUsize>,
}

impl NetProvider for Pictures {
    fn fetch(&self, _: usize, request: Request, handler: Box<dyn NetHandler>) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let number = (request.url.scheme() == "picture").then(|| request.url.path().parse::<usize>().ok()).flatten();
        let octets = number.and_then(|number| self.octets.get(number)).cloned().unwrap_or_default();
        handler.bytes(request.url.into(), octets);
    }
}

/// Builds the document and lays it out.
pub(super) fn laid_out(page: &mut Normalised, view: View, fonts: &FontContext) -> BaseDocument {
    let asked = Arc::new(AtomicUsize::new(0));
    let octets = std::mem::take(&mut page.pictures).into_iter().map(Bytes::from).collect();
    let dark = view.colours == Colours::Dark;
    let mut sheets = vec![UserAgentStylesheet::default_sheet(), UserAgentStylesheet::parse(BASE)];
    if page.recoloured || dark && page.dark_ground {
        sheets.push(UserAgentStylesheet::parse(DARK));
    }
    let mut document = BaseDocument::new(DocumentConfig {
        viewport: Some(viewport(view, dark && page.own_dark_style)),
        base_url: Some("about:blank".to_owned()),
        ua_stylesheets: sheets,
        net_provider: Some(Arc::new(Pictures { octets, asked: asked.clone() })),
        font_ctx: Some(fonts.clone()),
        ..DocumentConfig::default()
    });
    let root = document.root_node().id;
    let mut builder = Builder { mutator: document.mutate() };
    let html = builder.page(page);
    builder.mutator.append_children(root, &[html]);
    drop(builder);
    tables::mend(&mut document);
    // Pictures behind text are asked for while styles are resolved, and seen in the round after.
    for _ in 0..4 {
        let before = asked.load(Ordering::Relaxed);
        document.resolve(0.0);
        if asked.load(Ordering::Relaxed) == before {
            break;
        }
    }
    if turn::mend(&mut document) {
        document.resolve(0.0);
    }
    document
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn viewport(view: View, dark: bool) -> Viewport {
    let scheme = if dark { ColorScheme::Dark } else { ColorScheme::Light };
    let width = (view.width * view.scale).round() as u32;
    let height = (1_000.0 * view.scale) as u32;
    Viewport::new(width, height, view.scale * view.zoom, scheme)
}

struct Builder<'doc> {
    mutator: DocumentMutator<'doc>,
}

impl Builder<'_> {
    /// Detached, so that the tree is taken in once it is whole.
    fn page(&mut self, page: &Normalised) -> NodeId {
        let html = self.element(local_name!("html"), Vec::new());
        let head = self.element(local_name!("head"), Vec::new());
        self.mutator.append_children(html, &[head]);
        for sheet in &page.styles {
            let style = self.element(local_name!("style"), Vec::new());
            let text = self.mutator.create_text_node(sheet);
            self.mutator.append_children(style, &[text]);
            self.mutator.append_children(head, &[style]);
        }
        let mut open = vec![html];
        for piece in &page.pieces {
            let Some(parent) = open.last().copied() else { break };
            match piece {
                Piece::Open { name, attributes } => {
                    let attributes = attributes.iter().map(|(name, value)| attribute(name, value)).collect();
                    let element = self.element(name.clone(), attributes);
                    self.mutator.append_children(parent, &[element]);
                    open.push(element);
                }
                Piece::Text(text) => {
                    let text = self.mutator.create_text_node(text);
                    self.mutator.append_children(parent, &[text]);
                }
                Piece::Close => {
                    open.pop();
                }
            }
        }
        html
    }

    fn element(&mut self, name: blitz_dom::LocalName, attributes: Vec<Attribute>) -> NodeId {
        self.mutator.create_element(QualName::new(None, ns!(html), name), attributes)
    }
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: QualName::new(None, ns!(), name.into()), value: value.to_owned() }
}
