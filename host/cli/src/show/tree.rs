//! A tree of lines. Knows only branches, not what they show.

use crate::style::{Style, Tone};

/// A line and the lines below it. The text must be free of control characters.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    line: String,
    children: Vec<Node>,
}

impl Node {
    pub(super) fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), children: Vec::new() }
    }

    pub(super) fn push(&mut self, child: Node) {
        self.children.push(child);
    }

    pub(super) fn leaf(&mut self, line: impl Into<String>) {
        self.push(Node::new(line));
    }

    /// The lines of the tree, starting with this node.
    pub(super) fn render(&self, style: &Style) -> String {
        let mut text = format!("{}\n", self.line);
        self.render_children(style, "", &mut text);
        text
    }

    fn render_children(&self, style: &Style, indent: &str, text: &mut String) {
        let count = self.children.len();
        for (number, child) in self.children.iter().enumerate() {
            let last = number + 1 == count;
            let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            text.push_str(&style.paint(Tone::Faint, &format!("{indent}{branch}")));
            text.push_str(&child.line);
            text.push('\n');
            child.render_children(style, &format!("{indent}{below}"), text);
        }
    }
}
