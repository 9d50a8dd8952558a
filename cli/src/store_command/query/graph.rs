//! What paths need, as pictures: a tree of text, a graph for dot, and GraphML.

use crate::failure::Result;
use crate::store_command::Call;
use nivis_store::path::StorePath;
use std::collections::BTreeSet;
use std::io::Write;

const CONNECTED: &str = "├───";
const LAST: &str = "└───";
const LINE: &str = "│   ";
const BLANK: &str = "    ";

/// The colours of arrows, in turn.
const COLOURS: [&str; 6] = ["black", "red", "green", "blue", "magenta", "burlywood"];

/// A line of a tree that is to be printed.
struct Branch {
    /// What is before the path.
    lead: String,
    /// What is before the paths below it.
    indent: String,
    path: StorePath,
}

/// Prints a tree; what was shown before is not taken apart again.
pub(super) fn tree(call: &mut Call, roots: &[StorePath]) -> Result<()> {
    let store = &call.session.store;
    let mut done = BTreeSet::new();
    let branch = |path: &StorePath| Branch {
        lead: String::new(),
        indent: String::new(),
        path: path.clone(),
    };
    // The stack has the next line at its end.
    let mut stack: Vec<Branch> = roots.iter().rev().map(branch).collect();
    while let Some(Branch { lead, indent, path }) = stack.pop() {
        let printed = call.session.print(&path);
        if !done.insert(path.clone()) {
            writeln!(call.out, "{lead}{printed} [...]")?;
            continue;
        }
        writeln!(call.out, "{lead}{printed}")?;
        let references = store.query_references(&path)?;
        // What others need comes first, which keeps the tree flat.
        let sorted = store.topo_sort_paths(&references)?;
        for (index, path) in sorted.into_iter().enumerate() {
            let (joint, below) = if index == 0 {
                (LAST, BLANK)
            } else {
                (CONNECTED, LINE)
            };
            stack.push(Branch {
                lead: format!("{indent}{joint}"),
                indent: format!("{indent}{below}"),
                path,
            });
        }
    }
    Ok(())
}

/// Tells of all paths that can be reached, always the smallest that is left, with what it refers to.
fn visit(
    call: &mut Call,
    mut open: BTreeSet<StorePath>,
    mut show: impl FnMut(&mut Call, &StorePath, &BTreeSet<StorePath>) -> Result<()>,
) -> Result<()> {
    let mut done = BTreeSet::new();
    while let Some(path) = open.pop_first() {
        if !done.insert(path.clone()) {
            continue;
        }
        let mut references = call.session.store.query_references(&path)?;
        references.remove(&path);
        show(call, &path, &references)?;
        open.extend(references);
    }
    Ok(())
}

/// Prints a graph for dot.
pub(super) fn dot(call: &mut Call, roots: BTreeSet<StorePath>) -> Result<()> {
    call.out.write_all(b"digraph G {\n")?;
    let mut arrows = 0;
    visit(call, roots, |call, path, references| {
        writeln!(
            call.out,
            "\"{path}\" [label = \"{}\", shape = box, style = filled, fillcolor = \"#ff0000\"];",
            path.name(),
            path = path.base_name()
        )?;
        for reference in references {
            let colour = COLOURS[arrows % COLOURS.len()];
            arrows += 1;
            writeln!(
                call.out,
                "\"{}\" -> \"{}\" [color = \"{colour}\"];",
                reference.base_name(),
                path.base_name()
            )?;
        }
        Ok(())
    })?;
    Ok(call.out.write_all(b"}\n")?)
}

/// Prints a graph in GraphML.
pub(super) fn graphml(call: &mut Call, roots: BTreeSet<StorePath>) -> Result<()> {
    call.out.write_all(
        b"<?xml version='1.0' encoding='utf-8'?>\n\
        <graphml xmlns='http://graphml.graphdrawing.org/xmlns'\n    \
        xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'\n    \
        xsi:schemaLocation='http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd'>\n\
        <key id='narSize' for='node' attr.name='narSize' attr.type='long'/>\
        <key id='name' for='node' attr.name='name' attr.type='string'/>\
        <key id='type' for='node' attr.name='type' attr.type='string'/>\
        <graph id='G' edgedefault='directed'>\n",
    )?;
    visit(call, roots, |call, path, references| {
        let info = call.session.store.query_path_info(path)?;
        // The reference shows no more of a name than this, and scripts compare.
        let name = path.name();
        let name = name.find('-').map_or("", |dash| &name[..=dash]);
        let kind = if path.is_derivation() {
            "derivation"
        } else {
            "output-path"
        };
        writeln!(
            call.out,
            "  <node id=\"{}\">\n    <data key=\"narSize\">{}</data>\n    <data key=\"name\">{name}</data>\n    \
             <data key=\"type\">{kind}</data>\n  </node>",
            path.base_name(),
            info.nar_size
        )?;
        for reference in references {
            writeln!(
                call.out,
                "  <edge source=\"{}\" target=\"{}\"/>",
                path.base_name(),
                reference.base_name()
            )?;
        }
        Ok(())
    })?;
    Ok(call.out.write_all(b"</graph>\n</graphml>\n")?)
}
