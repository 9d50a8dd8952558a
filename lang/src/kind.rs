//! The kinds of tokens and nodes: one enum, so that a syntax tree can hold both.

use logos::Logos;

/// Declares the enum and the list of its variants by number.
macro_rules! kinds {
    ($(#[$outer:meta])* pub enum $name:ident { $($(#[$inner:meta])* $variant:ident,)* }) => {
        $(#[$outer])*
        pub enum $name { $($(#[$inner])* $variant,)* }

        /// All kinds, in the order of their numbers.
        const ALL: &[$name] = &[$($name::$variant,)*];
    };
}

kinds! {
/// The kind of a token or of a node of the syntax tree.
///
/// The attributes are the lexical grammar outside of strings and paths; those are scanned by hand, see
/// [`crate::lexer`]. The longest match wins, then the higher priority.
#[derive(Logos, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[logos(utf8 = false)]
#[repr(u8)]
pub enum SyntaxKind {
    /// The end of the source.
    Eof,
    /// A token the lexer rejects; the reason stands beside the tokens.
    Invalid,
    /// A byte that starts no token.
    #[regex(r"(?s-u:.)", priority = 0)]
    Unknown,
    /// Blanks, tabs and line ends.
    #[regex(r"[ \t\r\n]+")]
    Whitespace,
    /// `# …` or `/* … */`. Where it ends the lexer finds itself.
    #[token("#")]
    Comment,
    /// `/*`, the start of a comment if there is a `*/` further on. The lexer makes other tokens of it.
    #[token("/*")]
    CommentStart,

    /// A name.
    #[regex(r"[a-zA-Z_][a-zA-Z0-9_'-]*", priority = 5)]
    Ident,
    /// An integer.
    #[regex(r"[0-9]+", priority = 5)]
    Int,
    /// A float.
    #[regex(r"(([1-9][0-9]*\.[0-9]*)|(0?\.[0-9]+))([Ee][+-]?[0-9]+)?", priority = 5)]
    Float,
    /// The literal start of a path; more parts may follow, then [`SyntaxKind::PathEnd`].
    #[regex(r"[a-zA-Z0-9._+-]*(/[a-zA-Z0-9._+-]+)+/?", priority = 5)]
    Path,
    /// As [`SyntaxKind::Path`], in the home directory.
    #[regex(r"~(/[a-zA-Z0-9._+-]+)+/?", priority = 5)]
    HomePath,
    /// A path of one segment and the `${` after it. The lexer makes two tokens of it.
    #[regex(r"[a-zA-Z0-9._+-]*/\$\{", priority = 6)]
    PathDollar,
    /// `~/${`. The lexer makes two tokens of it.
    #[token("~/${", priority = 6)]
    HomePathDollar,
    /// `<nixpkgs>`
    #[regex(r"<[a-zA-Z0-9._+-]+(/[a-zA-Z0-9._+-]+)*>", priority = 5)]
    SearchPath,
    /// A URI without quotes.
    #[regex(r"[a-zA-Z][a-zA-Z0-9+.-]*:[a-zA-Z0-9%/?:@&=+$,_.!~*'-]+", priority = 5)]
    Uri,

    /// `if`
    #[token("if", priority = 10)]
    If,
    /// `then`
    #[token("then", priority = 10)]
    Then,
    /// `else`
    #[token("else", priority = 10)]
    Else,
    /// `assert`
    #[token("assert", priority = 10)]
    Assert,
    /// `with`
    #[token("with", priority = 10)]
    With,
    /// `let`
    #[token("let", priority = 10)]
    Let,
    /// `in`
    #[token("in", priority = 10)]
    In,
    /// `rec`
    #[token("rec", priority = 10)]
    Rec,
    /// `inherit`
    #[token("inherit", priority = 10)]
    Inherit,
    /// `or`
    #[token("or", priority = 10)]
    Or,
    /// `...`
    #[token("...", priority = 10)]
    Ellipsis,

    /// `==`
    #[token("==")]
    Equal,
    /// `!=`
    #[token("!=")]
    NotEqual,
    /// `<=`
    #[token("<=")]
    LessEqual,
    /// `>=`
    #[token(">=")]
    GreaterEqual,
    /// `&&`
    #[token("&&")]
    AndAnd,
    /// `||`
    #[token("||")]
    OrOr,
    /// `->`
    #[token("->")]
    Implies,
    /// `//`
    #[token("//")]
    Update,
    /// `++`
    #[token("++")]
    PlusPlus,
    /// `<|`
    #[token("<|")]
    PipeFrom,
    /// `|>`
    #[token("|>")]
    PipeInto,
    /// `${`
    #[token("${")]
    DollarBrace,
    /// `{`
    #[token("{")]
    LBrace,
    /// `}`
    #[token("}")]
    RBrace,
    /// `[`
    #[token("[")]
    LBracket,
    /// `]`
    #[token("]")]
    RBracket,
    /// `(`
    #[token("(")]
    LParen,
    /// `)`
    #[token(")")]
    RParen,
    /// `=`
    #[token("=")]
    Assign,
    /// `;`
    #[token(";")]
    Semicolon,
    /// `:`
    #[token(":")]
    Colon,
    /// `,`
    #[token(",")]
    Comma,
    /// `@`
    #[token("@")]
    At,
    /// `.`
    #[token(".")]
    Dot,
    /// `?`
    #[token("?")]
    Question,
    /// `!`
    #[token("!")]
    Bang,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `<`
    #[token("<")]
    Less,
    /// `>`
    #[token(">")]
    Greater,

    /// `"`, at either end of a string.
    #[token("\"")]
    Quote,
    /// Text in a `"…"` string, escapes included.
    StringText,
    /// `''` at the start of an indented string, with the rest of its line when that is blank.
    #[regex(r"''( *\n)?")]
    IndentedOpen,
    /// `''` at the end of an indented string.
    IndentedClose,
    /// Text in an indented string whose leading blanks are indentation.
    IndentedText,
    /// An escape or a lone `$` or `'` in an indented string: ends the leading blanks of its line.
    IndentedEscape,
    /// Text in a path, after an interpolation.
    PathText,
    /// The end of a path; empty.
    PathEnd,

    /// Tokens that fit nowhere.
    ErrorNode,
    /// The whole source.
    Root,
    /// A variable, or `__curPos`.
    Variable,
    /// A number or URI.
    Literal,
    /// `"…"`
    StringLiteral,
    /// `''…''`
    IndentedString,
    /// `${ … }`
    Interpolation,
    /// A path with its interpolations.
    PathLiteral,
    /// `<…>`
    SearchPathLiteral,
    /// `( … )`
    Paren,
    /// `[ … ]`
    List,
    /// `{ … }` or `rec { … }`
    AttrSet,
    /// `let { … }`
    LegacyLet,
    /// `let … in …`
    LetIn,
    /// `path = value;`
    Binding,
    /// `inherit …;`
    InheritClause,
    /// `( … )` in an inherit clause.
    InheritFrom,
    /// `a.b.c`
    AttrPath,
    /// A name in an attribute path that is a plain identifier.
    AttrName,
    /// `${ … }` as a name.
    DynamicName,
    /// `e.path` or `e.path or default`
    Select,
    /// `e or`: `or` as an argument.
    OrCall,
    /// `f x`
    Apply,
    /// `x: …`
    Lambda,
    /// `{ a, b ? c, ... }`
    Formals,
    /// `a` or `a ? default`
    Formal,
    /// `with …; …`
    WithExpr,
    /// `assert …; …`
    AssertExpr,
    /// `if … then … else …`
    IfElse,
    /// `! e` or `- e`
    Unary,
    /// `a op b`
    Binary,
    /// `e ? path`
    HasAttr,
}
}

impl SyntaxKind {
    /// Whether tokens of this kind are skipped by the grammar.
    #[inline]
    pub fn is_trivia(self) -> bool {
        matches!(self, SyntaxKind::Whitespace | SyntaxKind::Comment)
    }

    /// Whether this is the kind of a token, not of a node.
    #[inline]
    pub fn is_token(self) -> bool {
        self < SyntaxKind::ErrorNode
    }

    /// Whether a token of this kind starts an operand (`expr_simple` of the reference's grammar).
    #[inline]
    pub fn starts_operand(self) -> bool {
        use SyntaxKind::*;
        matches!(
            self,
            Ident
                | Int
                | Float
                | Quote
                | IndentedOpen
                | Path
                | HomePath
                | SearchPath
                | Uri
                | LParen
                | Let
                | Rec
                | LBrace
                | LBracket
        )
    }

    /// Whether a token of this kind starts an expression.
    pub fn starts_expression(self) -> bool {
        use SyntaxKind::*;
        self.starts_operand() || matches!(self, If | Assert | With | Bang | Minus)
    }

    /// What to call a token of this kind in a message.
    pub fn describe(self) -> &'static str {
        use SyntaxKind::*;
        match self {
            Eof => "the end of the file",
            Invalid | Unknown => "an invalid character",
            Whitespace => "blanks",
            Comment => "a comment",
            Ident => "a name",
            Int => "an integer",
            Float => "a float",
            Path | HomePath | PathDollar | HomePathDollar | PathText => "a path",
            SearchPath => "a search path",
            Uri => "a URI",
            If => "`if`",
            Then => "`then`",
            Else => "`else`",
            Assert => "`assert`",
            With => "`with`",
            Let => "`let`",
            In => "`in`",
            Rec => "`rec`",
            Inherit => "`inherit`",
            Or => "`or`",
            Ellipsis => "`...`",
            Equal => "`==`",
            NotEqual => "`!=`",
            LessEqual => "`<=`",
            GreaterEqual => "`>=`",
            AndAnd => "`&&`",
            OrOr => "`||`",
            Implies => "`->`",
            Update => "`//`",
            PlusPlus => "`++`",
            PipeFrom => "`<|`",
            PipeInto => "`|>`",
            DollarBrace => "`${`",
            LBrace => "`{`",
            RBrace => "`}`",
            LBracket => "`[`",
            RBracket => "`]`",
            LParen => "`(`",
            RParen => "`)`",
            Assign => "`=`",
            Semicolon => "`;`",
            Colon => "`:`",
            Comma => "`,`",
            At => "`@`",
            Dot => "`.`",
            Question => "`?`",
            Bang => "`!`",
            Plus => "`+`",
            Minus => "`-`",
            Star => "`*`",
            Slash => "`/`",
            Less => "`<`",
            Greater => "`>`",
            Quote => "`\"`",
            StringText | IndentedText | IndentedEscape => "text",
            IndentedOpen | IndentedClose => "`''`",
            PathEnd => "the end of the path",
            _ => "a construct",
        }
    }

    /// The kind with the number that rowan stored.
    pub(crate) fn from_raw(raw: u16) -> SyntaxKind {
        *ALL.get(usize::from(raw)).unwrap_or(&SyntaxKind::ErrorNode)
    }
}
