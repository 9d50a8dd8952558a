//! Prints the AST as `nix-instantiate --parse` does: desugared, attributes sorted by name.

use crate::ast::*;
use crate::lexer;
use crate::symbol::{Symbol, Symbols};
use std::io::Write;

/// The text of an expression.
pub fn show(expr: ExprRef<'_>, symbols: &Symbols) -> Vec<u8> {
    let mut printer = Printer {
        symbols,
        out: Vec::new(),
    };
    printer.expr(expr);
    printer.out
}

/// A string as a literal.
pub fn write_string(out: &mut Vec<u8>, string: &[u8]) {
    out.push(b'"');
    // What needs no escape is copied in one go.
    let mut written = 0;
    for (index, &byte) in string.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            b'$' if string.get(index + 1) == Some(&b'{') => b"\\$",
            _ => continue,
        };
        out.extend_from_slice(&string[written..index]);
        out.extend_from_slice(escape);
        written = index + 1;
    }
    out.extend_from_slice(&string[written..]);
    out.push(b'"');
}

/// A name as it is written in a set: quoted unless it is an identifier.
pub fn write_identifier(out: &mut Vec<u8>, name: &[u8]) {
    let keyword = matches!(
        name,
        b"if" | b"then" | b"else" | b"assert" | b"with" | b"let" | b"in" | b"rec" | b"inherit"
    );
    if lexer::is_name(name) && !keyword {
        out.extend_from_slice(name);
    } else {
        write_string(out, name);
    }
}

/// A name as text for a message.
pub(crate) fn identifier_text(name: &[u8]) -> String {
    let mut out = Vec::new();
    write_identifier(&mut out, name);
    String::from_utf8_lossy(&out).into_owned()
}

/// A float with six significant digits, as C's `%g` prints it.
pub fn write_float(out: &mut Vec<u8>, value: f64) {
    let text = format!("{value:.5e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        if value.is_sign_negative() {
            out.push(b'-');
        }
        return out.extend_from_slice(if value.is_nan() { b"nan" } else { b"inf" });
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        out.extend_from_slice(trim(&format!("{value:.decimals$}")).as_bytes());
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{}e{sign}{:02}", trim(mantissa), exponent.abs());
    }
}

struct Printer<'p> {
    symbols: &'p Symbols,
    out: Vec<u8>,
}

impl Printer<'_> {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn name(&mut self, name: Symbol) {
        write_identifier(&mut self.out, self.symbols.resolve(name));
    }

    fn expr(&mut self, expr: ExprRef<'_>) {
        match &expr.kind {
            ExprKind::Int(value) => self.text(&value.to_string()),
            ExprKind::Float(value) => write_float(&mut self.out, *value),
            ExprKind::String(value) => write_string(&mut self.out, value),
            ExprKind::Path(value, _) => self.out.extend_from_slice(value),
            ExprKind::CurPos => self.text("__curPos"),
            ExprKind::Var(name) => self.name(*name),
            ExprKind::Select { base, path, default } => {
                self.between("(", base, ").");
                self.path(path);
                if let Some(default) = default {
                    self.between(" or (", default, ")");
                }
            }
            ExprKind::HasAttr { base, path } => {
                self.between("((", base, ") ? ");
                self.path(path);
                self.text(")");
            }
            ExprKind::Call { function, args } => {
                self.between("(", function, "");
                for arg in *args {
                    self.between(" ", arg, "");
                }
                self.text(")");
            }
            ExprKind::Lambda(lambda) => self.lambda(lambda),
            ExprKind::Let { bindings, body } => {
                self.text("(let ");
                self.bindings(bindings);
                self.between("in ", body, ")");
            }
            ExprKind::Attrs { recursive, bindings } => {
                self.text(if *recursive { "rec { " } else { "{ " });
                self.bindings(bindings);
                self.text("}");
            }
            ExprKind::List(items) => {
                self.text("[ ");
                for item in *items {
                    self.between("(", item, ") ");
                }
                self.text("]");
            }
            ExprKind::With { namespace, body } => {
                self.between("(with ", namespace, "; ");
                self.between("", body, ")");
            }
            ExprKind::If {
                condition,
                then_branch,
                else_branch,
            } => {
                self.between("(if ", condition, " then ");
                self.between("", then_branch, " else ");
                self.between("", else_branch, ")");
            }
            ExprKind::Assert { condition, body } => {
                self.between("assert ", condition, "; ");
                self.expr(body);
            }
            ExprKind::Not(operand) => self.between("(! ", operand, ")"),
            ExprKind::Binary(op, left, right) => {
                let op = match op {
                    BinaryOp::Equal => " == ",
                    BinaryOp::NotEqual => " != ",
                    BinaryOp::And => " && ",
                    BinaryOp::Or => " || ",
                    BinaryOp::Implies => " -> ",
                    BinaryOp::Update => " // ",
                    BinaryOp::ConcatLists => " ++ ",
                };
                self.between("(", left, op);
                self.between("", right, ")");
            }
            ExprKind::Concat { parts, .. } => {
                for (index, part) in parts.iter().enumerate() {
                    self.between(if index == 0 { "(" } else { " + " }, part.expr, "");
                }
                self.text(")");
            }
        }
    }

    fn between(&mut self, before: &str, expr: ExprRef<'_>, after: &str) {
        self.text(before);
        self.expr(expr);
        self.text(after);
    }

    fn path(&mut self, path: &[AttrName<'_>]) {
        for (index, name) in path.iter().enumerate() {
            if index > 0 {
                self.text(".");
            }
            match name.kind {
                AttrNameKind::Static(name) => self.name(name),
                AttrNameKind::Dynamic(expr) => self.between("\"${", expr, "}\""),
            }
        }
    }

    fn lambda(&mut self, lambda: &Lambda<'_>) {
        self.text("(");
        if let Some(Formals { formals, ellipsis }) = lambda.formals {
            self.text("{ ");
            let mut formals = formals.to_vec();
            formals.sort_by(|a, b| self.symbols.resolve(a.name).cmp(self.symbols.resolve(b.name)));
            for (index, formal) in formals.iter().enumerate() {
                if index > 0 {
                    self.text(", ");
                }
                self.name(formal.name);
                if let Some(default) = formal.default {
                    self.between(" ? ", default, "");
                }
            }
            if ellipsis {
                self.text(if formals.is_empty() { "..." } else { ", ..." });
            }
            self.text(" }");
            if lambda.arg.is_some() {
                self.text(" @ ");
            }
        }
        if let Some(arg) = lambda.arg {
            self.name(arg);
        }
        self.between(": ", lambda.body, ")");
    }

    fn bindings(&mut self, bindings: &Bindings<'_>) {
        let mut sorted = bindings.attrs.to_vec();
        sorted.sort_by(|a, b| self.symbols.resolve(a.name).cmp(self.symbols.resolve(b.name)));
        let inherited = |source: Option<u32>| {
            sorted.iter().filter(move |attr| match attr.value {
                AttrValue::Plain(_) => false,
                AttrValue::Inherit => source.is_none(),
                AttrValue::InheritFrom(index) => source == Some(index),
            })
        };
        if inherited(None).next().is_some() {
            self.text("inherit");
            self.names(inherited(None));
        }
        for (index, from) in (0..).zip(bindings.inherit_from) {
            if inherited(Some(index)).next().is_some() {
                self.between("inherit (", from, ")");
                self.names(inherited(Some(index)));
            }
        }
        for attr in &sorted {
            if let AttrValue::Plain(value) = attr.value {
                self.name(attr.name);
                self.between(" = ", value, "; ");
            }
        }
        for attr in bindings.dynamic {
            self.between("\"${", attr.name, "}\" = ");
            self.between("", attr.value, "; ");
        }
    }

    fn names<'i>(&mut self, attrs: impl Iterator<Item = &'i Attr<'i>>) {
        for attr in attrs {
            self.text(" ");
            self.name(attr.name);
        }
        self.text("; ");
    }
}
