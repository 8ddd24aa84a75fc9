//! A tree of nodes in one vector, as html5ever builds it. Bounded: nodes over the bound are made and never attached.

use std::borrow::Cow;
use std::cell::{Ref, RefCell};

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink as _};
use html5ever::tree_builder::TreeBuilderOpts;
use html5ever::{Attribute, LocalName, ParseOpts, QualName, local_name, ns, parse_document};

/// Nodes of a tree.
const MOST_NODES: usize = 200_000;

pub(super) type Id = usize;

#[derive(Debug)]
pub(super) struct Node {
    pub parent: Option<Id>,
    pub children: Vec<Id>,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Document,
    Element {
        name: QualName,
        attributes: Vec<(LocalName, String)>,
    },
    Text(String),
    /// Comments, and what was made over the bound.
    Nothing,
}

#[derive(Debug)]
pub(super) struct Tree {
    pub nodes: Vec<Node>,
    pub quirks: bool,
    pub cut: bool,
}

impl Tree {
    pub fn parse(html: &str) -> Tree {
        let options = ParseOpts {
            tree_builder: TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() },
            ..ParseOpts::default()
        };
        parse_document(Builder::default(), options).one(html)
    }

    pub fn children(&self, id: Id) -> &[Id] {
        self.nodes.get(id).map_or(&[], |node| &node.children)
    }

    pub fn kind(&self, id: Id) -> &Kind {
        self.nodes.get(id).map_or(&Kind::Nothing, |node| &node.kind)
    }

    pub fn attribute(&self, id: Id, wanted: &str) -> &str {
        let Kind::Element { attributes, .. } = self.kind(id) else { return "" };
        attributes.iter().find(|(name, _)| &**name == wanted).map_or("", |(_, value)| value)
    }

    /// The name of an HTML element.
    pub fn name(&self, id: Id) -> &str {
        match self.kind(id) {
            Kind::Element { name, .. } if name.ns == ns!(html) => &name.local,
            _ => "",
        }
    }

    /// Every node below `root` in document order, without recursion.
    pub fn below(&self, root: Id) -> impl Iterator<Item = Id> + '_ {
        let mut stack: Vec<Id> = self.children(root).iter().rev().copied().collect();
        std::iter::from_fn(move || {
            let next = stack.pop()?;
            stack.extend(self.children(next).iter().rev());
            Some(next)
        })
    }

    pub fn detach(&mut self, id: Id) {
        let Some(parent) = self.nodes.get_mut(id).and_then(|node| node.parent.take()) else { return };
        if let Some(parent) = self.nodes.get_mut(parent) {
            // The builder takes away what it has just appended: it stands at the end.
            if let Some(at) = parent.children.iter().rposition(|child| *child == id) {
                parent.children.remove(at);
            }
        }
    }

    pub fn new_element(&mut self, name: LocalName, attributes: Vec<(LocalName, String)>) -> Id {
        self.nodes.push(Node {
            parent: None,
            children: Vec::new(),
            kind: Kind::Element { name: QualName::new(None, ns!(html), name), attributes },
        });
        self.nodes.len() - 1
    }

    pub fn insert_before(&mut self, sibling: Id, new: Id) {
        let Some(parent) = self.nodes.get(sibling).and_then(|node| node.parent) else { return };
        let Some(node) = self.nodes.get_mut(parent) else { return };
        let at = node.children.iter().rposition(|child| *child == sibling).unwrap_or(node.children.len());
        node.children.insert(at, new);
        if let Some(new) = self.nodes.get_mut(new) {
            new.parent = Some(parent);
        }
    }

    fn make(&mut self, kind: Kind) -> Id {
        self.nodes.push(Node { parent: None, children: Vec::new(), kind });
        self.nodes.len() - 1
    }

    fn attach(&mut self, parent: Id, child: Id) {
        if child >= MOST_NODES {
            self.cut = true;
            return;
        }
        self.detach(child);
        if let Some(node) = self.nodes.get_mut(child) {
            node.parent = Some(parent);
        }
        if let Some(node) = self.nodes.get_mut(parent) {
            node.children.push(child);
        }
    }

    /// Adds to the text at `id`; whether it was a text.
    fn continue_text(&mut self, id: Option<Id>, more: &str) -> bool {
        match id.and_then(|id| self.nodes.get_mut(id)).map(|node| &mut node.kind) {
            Some(Kind::Text(text)) => {
                text.push_str(more);
                true
            }
            _ => false,
        }
    }
}

struct Builder {
    tree: RefCell<Tree>,
}

impl Default for Builder {
    fn default() -> Builder {
        let document = Node { parent: None, children: Vec::new(), kind: Kind::Document };
        Builder { tree: RefCell::new(Tree { nodes: vec![document], quirks: false, cut: false }) }
    }
}

impl TreeSink for Builder {
    type Handle = Id;
    type Output = Tree;
    type ElemName<'a> = Ref<'a, QualName>;

    fn finish(self) -> Tree {
        self.tree.into_inner()
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Ref<'a, QualName> {
        thread_local! {
            static NONE: &'static QualName =
                Box::leak(Box::new(QualName::new(None, ns!(html), local_name!("span"))));
        }
        Ref::map(self.tree.borrow(), |tree| match tree.kind(*target) {
            Kind::Element { name, .. } => name,
            _ => NONE.with(|name| *name),
        })
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> Id {
        let attributes = attributes.into_iter().map(|each| (each.name.local, each.value.to_string())).collect();
        self.tree.borrow_mut().make(Kind::Element { name, attributes })
    }

    fn create_comment(&self, _: StrTendril) -> Id {
        self.tree.borrow_mut().make(Kind::Nothing)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Id {
        self.tree.borrow_mut().make(Kind::Nothing)
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        let mut tree = self.tree.borrow_mut();
        match child {
            NodeOrText::AppendNode(child) => tree.attach(*parent, child),
            NodeOrText::AppendText(text) => {
                let last = tree.children(*parent).last().copied();
                if !tree.continue_text(last, &text) {
                    let child = tree.make(Kind::Text(text.to_string()));
                    tree.attach(*parent, child);
                }
            }
        }
    }

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        let has_parent = self.tree.borrow().nodes.get(*element).is_some_and(|node| node.parent.is_some());
        if has_parent { self.append_before_sibling(element, child) } else { self.append(previous, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// The content of a template is never shown.
    fn get_template_contents(&self, target: &Id) -> Id {
        *target
    }

    fn same_node(&self, one: &Id, other: &Id) -> bool {
        one == other
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.tree.borrow_mut().quirks = mode == QuirksMode::Quirks;
    }

    fn append_before_sibling(&self, sibling: &Id, child: NodeOrText<Id>) {
        let mut tree = self.tree.borrow_mut();
        let before = tree.nodes.get(*sibling).and_then(|node| node.parent).and_then(|parent| {
            let siblings = tree.children(parent);
            let at = siblings.iter().rposition(|child| child == sibling)?;
            at.checked_sub(1).and_then(|before| siblings.get(before)).copied()
        });
        let child = match child {
            NodeOrText::AppendNode(child) => child,
            NodeOrText::AppendText(text) => {
                if tree.continue_text(before, &text) {
                    return;
                }
                tree.make(Kind::Text(text.to_string()))
            }
        };
        if child >= MOST_NODES {
            tree.cut = true;
            return;
        }
        tree.detach(child);
        tree.insert_before(*sibling, child);
    }

    fn add_attrs_if_missing(&self, target: &Id, new: Vec<Attribute>) {
        let mut tree = self.tree.borrow_mut();
        let Some(Kind::Element { attributes, .. }) = tree.nodes.get_mut(*target).map(|node| &mut node.kind) else {
            return;
        };
        for each in new {
            if attributes.iter().all(|(name, _)| *name != each.name.local) {
                attributes.push((each.name.local, each.value.to_string()));
            }
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        self.tree.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, from: &Id, to: &Id) {
        let mut tree = self.tree.borrow_mut();
        let moved = tree.nodes.get_mut(*from).map(|node| std::mem::take(&mut node.children)).unwrap_or_default();
        for child in &moved {
            if let Some(child) = tree.nodes.get_mut(*child) {
                child.parent = Some(*to);
            }
        }
        if let Some(node) = tree.nodes.get_mut(*to) {
            node.children.extend(moved);
        }
    }
}
