//! The grammar as data: tokens and productions in the order in which bison numbers them.

use crate::kind::SyntaxKind::{self, *};

/// The tokens: how [`RULES`] and messages name them.
pub(super) const TERMINALS: &[(&str, &str)] = &[
    ("$end", "end of file"),
    ("$undefined", "invalid token"),
    ("ID", "identifier"),
    ("STR", "string"),
    ("IND_STR", "indented string"),
    ("INT", "integer"),
    ("FLOAT", "floating-point literal"),
    ("PATH", "path"),
    ("HPATH", "'~/…' path"),
    ("SPATH", "'<…>' path"),
    ("PATH_END", "end of path"),
    ("URI", "URI"),
    ("if", "'if'"),
    ("then", "'then'"),
    ("else", "'else'"),
    ("assert", "'assert'"),
    ("with", "'with'"),
    ("let", "'let'"),
    ("in", "'in'"),
    ("rec", "'rec'"),
    ("inherit", "'inherit'"),
    ("==", "'=='"),
    ("!=", "'!='"),
    ("<=", "'<='"),
    (">=", "'>='"),
    ("//", "'//'"),
    ("++", "'++'"),
    ("&&", "'&&'"),
    ("||", "'||'"),
    ("->", "'->'"),
    ("or", "'or'"),
    ("<|", "'<|'"),
    ("|>", "'|>'"),
    ("${", "'${'"),
    ("IND_OPEN", "start of an indented string"),
    ("IND_CLOSE", "end of an indented string"),
    ("...", "'...'"),
    ("BINDINGS", "start of REPL bindings"),
    ("<", "'<'"),
    (">", "'>'"),
    ("+", "'+'"),
    ("-", "'-'"),
    ("*", "'*'"),
    ("/", "'/'"),
    ("?", "'?'"),
    (":", "':'"),
    ("@", "'@'"),
    (";", "';'"),
    ("!", "'!'"),
    (".", "'.'"),
    ("\"", "'\"'"),
    ("(", "'('"),
    (")", "')'"),
    ("{", "'{'"),
    ("}", "'}'"),
    ("[", "'['"),
    ("]", "']'"),
    ("=", "'='"),
    (",", "','"),
];

/// The number of the token that precedes a source of bindings.
pub(super) const BINDINGS: usize = 37;

/// How operators of equal strength group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Assoc {
    Left,
    Right,
    None,
}

/// The operators, the weakest first. `NOT` and `NEGATE` are strengths of rules only.
pub(super) const PRECEDENCE: &[(Assoc, &[&str])] = &[
    (Assoc::Right, &["->"]),
    (Assoc::Left, &["||"]),
    (Assoc::Left, &["&&"]),
    (Assoc::None, &["==", "!="]),
    (Assoc::None, &["<", ">", "<=", ">="]),
    (Assoc::Right, &["//"]),
    (Assoc::Left, &["NOT"]),
    (Assoc::Left, &["+", "-"]),
    (Assoc::Left, &["*", "/"]),
    (Assoc::Right, &["++"]),
    (Assoc::None, &["?"]),
    (Assoc::None, &["NEGATE"]),
];

/// The productions. A name after `%` gives a production the strength of that operator.
pub(super) const RULES: &[(&str, &[&str])] = &[
    ("start", &["expr", "BINDINGS binds1"]),
    ("expr", &["expr_function"]),
    (
        "expr_function",
        &[
            "ID : expr_function",
            "formal_set : expr_function",
            "formal_set @ ID : expr_function",
            "ID @ formal_set : expr_function",
            "assert expr ; expr_function",
            "with expr ; expr_function",
            "let binds in expr_function",
            "expr_if",
        ],
    ),
    (
        "expr_if",
        &[
            "if expr then expr else expr",
            "expr_pipe_from",
            "expr_pipe_into",
            "expr_op",
        ],
    ),
    (
        "expr_pipe_from",
        &["expr_op <| expr_pipe_from", "expr_op <| expr_op"],
    ),
    (
        "expr_pipe_into",
        &["expr_pipe_into |> expr_op", "expr_op |> expr_op"],
    ),
    (
        "expr_op",
        &[
            "! expr_op % NOT",
            "- expr_op % NEGATE",
            "expr_op == expr_op",
            "expr_op != expr_op",
            "expr_op < expr_op",
            "expr_op <= expr_op",
            "expr_op > expr_op",
            "expr_op >= expr_op",
            "expr_op && expr_op",
            "expr_op || expr_op",
            "expr_op -> expr_op",
            "expr_op // expr_op",
            "expr_op ? attrpath",
            "expr_op + expr_op",
            "expr_op - expr_op",
            "expr_op * expr_op",
            "expr_op / expr_op",
            "expr_op ++ expr_op",
            "expr_app",
        ],
    ),
    ("expr_app", &["expr_app expr_select", "expr_select"]),
    (
        "expr_select",
        &[
            "expr_simple . attrpath",
            "expr_simple . attrpath or expr_select",
            "expr_simple or",
            "expr_simple",
        ],
    ),
    (
        "expr_simple",
        &[
            "ID",
            "INT",
            "FLOAT",
            "\" string_parts \"",
            "IND_OPEN ind_string_parts IND_CLOSE",
            "path_start PATH_END",
            "path_start string_parts_interpolated PATH_END",
            "SPATH",
            "URI",
            "( expr )",
            "let { binds }",
            "rec { binds }",
            "{ binds1 }",
            "{ }",
            "[ list ]",
        ],
    ),
    ("string_parts", &["STR", "string_parts_interpolated", ""]),
    (
        "string_parts_interpolated",
        &[
            "string_parts_interpolated STR",
            "string_parts_interpolated ${ expr }",
            "${ expr }",
            "STR ${ expr }",
        ],
    ),
    ("path_start", &["PATH", "HPATH"]),
    (
        "ind_string_parts",
        &["ind_string_parts IND_STR", "ind_string_parts ${ expr }", ""],
    ),
    ("binds", &["binds1", ""]),
    (
        "binds1",
        &[
            "binds1 attrpath = expr ;",
            "binds inherit attrs ;",
            "binds inherit ( expr ) attrs ;",
            "attrpath = expr ;",
        ],
    ),
    ("attrs", &["attrs attr", "attrs string_attr", ""]),
    (
        "attrpath",
        &["attrpath . attr", "attrpath . string_attr", "attr", "string_attr"],
    ),
    ("attr", &["ID", "or"]),
    ("string_attr", &["\" string_parts \"", "${ expr }"]),
    ("list", &["list expr_select", ""]),
    (
        "formal_set",
        &[
            "{ formals , ... }",
            "{ ... }",
            "{ formals , }",
            "{ formals }",
            "{ }",
        ],
    ),
    ("formals", &["formals , formal", "formal"]),
    ("formal", &["ID", "ID ? expr"]),
];

/// The number of the token a kind stands for.
pub(super) fn terminal(kind: SyntaxKind) -> usize {
    let name = match kind {
        Eof => "$end",
        Ident => "ID",
        Int => "INT",
        Float => "FLOAT",
        Path => "PATH",
        HomePath => "HPATH",
        SearchPath => "SPATH",
        PathEnd => "PATH_END",
        Uri => "URI",
        StringText | PathText => "STR",
        IndentedText | IndentedEscape => "IND_STR",
        IndentedOpen => "IND_OPEN",
        IndentedClose => "IND_CLOSE",
        // The other names are the tokens themselves, in backticks.
        kind => kind.describe().trim_matches('`'),
    };
    TERMINALS
        .iter()
        .position(|terminal| terminal.0 == name)
        .unwrap_or(1)
}
