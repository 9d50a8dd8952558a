//! Reading records: from bytes to code that runs.

use super::{Image, Place, Tag, take_number};
use crate::code::*;
use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::layers::UnionCache;
use crate::thunk_codes;
use crate::value::{Slot, Value};
use nivis_lang::path;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use std::cell::Cell;

impl Evaluator {
    /// The code of a file, a thunk.
    pub(super) fn read_root(&self, place: Place) -> Result<&'static ThunkCode> {
        let reader = Reader::new(self, place.image);
        let (_, mut record) = reader.record(place.record);
        Ok(reader.thunk(&mut record))
    }

    /// An expression in a strict position. Fails only when it nests too deep for what is left of the native stack.
    pub(crate) fn read_code(&self, place: Place) -> Result<Code> {
        Reader::new(self, place.image).strict(place.record)
    }
}

/// Reads one image.
struct Reader<'e> {
    ev: &'e Evaluator,
    image: &'static Image,
    id: u32,
}

/// Reads one record.
pub(super) struct Cursor {
    image: &'static Image,
    /// Where the record starts.
    start: u32,
    /// What was not read yet.
    rest: &'static [u8],
}

impl Cursor {
    #[inline(always)]
    fn number(&mut self) -> u64 {
        take_number(&mut self.rest).expect("the image is whole")
    }

    #[inline(always)]
    fn index(&mut self) -> u32 {
        self.number() as u32
    }

    fn count(&mut self) -> usize {
        self.number() as usize
    }

    fn bytes(&mut self) -> &'static [u8] {
        let length = self.count();
        let (bytes, rest) = self.rest.split_at(length);
        self.rest = rest;
        bytes
    }

    #[inline(always)]
    fn pos(&mut self) -> Pos {
        match self.index() {
            0 => Pos::NONE,
            offset => Pos(self.image.start.0 + offset - 1),
        }
    }

    #[inline(always)]
    fn name(&mut self) -> Symbol {
        self.image.names[self.count()]
    }

    fn optional_name(&mut self) -> Option<Symbol> {
        let place = self.count().checked_sub(1)?;
        Some(self.image.names[place])
    }

    /// The record of an operand.
    #[inline(always)]
    fn operand(&mut self) -> u32 {
        self.start - self.index()
    }

    fn optional_operand(&mut self) -> Option<u32> {
        match self.index() {
            0 => None,
            distance => Some(self.start - distance),
        }
    }

    fn source(&mut self) -> Source {
        let number = self.number();
        let index = (number >> 1) as u32;
        match number & 1 {
            0 => Source::local(index),
            _ => Source::captured(index),
        }
    }
}

impl<'e> Reader<'e> {
    fn new(ev: &'e Evaluator, id: u32) -> Reader<'e> {
        let image = ev.images.borrow()[id as usize];
        Reader { ev, image, id }
    }

    /// What a record is, and the rest of it.
    #[inline(always)]
    fn record(&self, start: u32) -> (Tag, Cursor) {
        let (&tag, rest) = self.image.records[start as usize..]
            .split_first()
            .expect("the image is whole");
        let cursor = Cursor {
            image: self.image,
            start,
            rest,
        };
        (Tag::ALL[usize::from(tag)], cursor)
    }

    fn alloc<T>(&self, code: T) -> &'static T {
        self.ev.code.alloc(code)
    }

    fn slice<T>(&self, length: usize, make: impl FnMut(usize) -> T) -> &'static [T] {
        self.ev.code.alloc_slice_fill_with(length, make)
    }

    fn try_slice<T>(&self, length: usize, make: impl FnMut(usize) -> Result<T>) -> Result<&'static [T]> {
        Ok(self.ev.code.alloc_slice_try_fill_with(length, make)?)
    }

    fn body(&self, record: u32) -> Body {
        Body::in_image(Place {
            image: self.id,
            record,
        })
    }

    fn sources(&self, record: &mut Cursor) -> &'static [Source] {
        let length = record.count();
        self.slice(length, |_| record.source())
    }

    pub(super) fn thunk(&self, record: &mut Cursor) -> &'static ThunkCode {
        let frame_size = record.index();
        let function = record.pos();
        let body = self.body(record.operand());
        let code = ThunkCode {
            body,
            captures: self.sources(record),
            frame_size,
            function,
        };
        thunk_codes::place(code).unwrap_or_else(|code| self.alloc(code))
    }

    fn lambda(&self, record: &mut Cursor) -> &'static LambdaCode {
        let pos = record.pos();
        let name = Cell::new(record.optional_name());
        let function = record.pos();
        let maker = record.pos();
        let frame_size = record.index();
        let body = self.body(record.operand());
        let captures = self.sources(record);
        self.alloc(LambdaCode {
            pos,
            name,
            parameter: self.parameter(record),
            function,
            maker,
            captures,
            frame_size,
            body,
            closed: Cell::new(None),
        })
    }

    fn parameter(&self, record: &mut Cursor) -> Parameter {
        let ellipsis = match record.number() {
            0 => return Parameter::Name(record.name()),
            kind => kind == 2,
        };
        let name = record.optional_name();
        let first = u32::from(name.is_some());
        let length = record.count();
        let formals = self.ev.code.alloc_slice_fill_with(length, |i| Formal {
            name: self.ev.names.epsilon,
            pos: Pos::NONE,
            local: first + i as u32,
            default: record.optional_operand().map(|default| self.lazy(default)),
        });
        for formal in &mut *formals {
            formal.name = record.name();
            formal.pos = record.pos();
        }
        // They are in the order of the symbols of the process that wrote the image.
        if !formals.is_sorted_by_key(|formal| formal.name) {
            formals.sort_unstable_by_key(|formal| formal.name);
        }
        let formals: &'static [Formal] = formals;
        let mut defaults: Vec<u32> = (0..length as u32).collect();
        defaults.retain(|&i| formals[i as usize].default.is_some());
        defaults.sort_by_key(|&i| formals[i as usize].local);
        Parameter::Pattern(self.alloc(Pattern {
            name,
            defaults: self.ev.code.alloc_slice_copy(&defaults),
            formals,
            ellipsis,
            plan: PlanCache::new(),
            args: Cell::new(None),
        }))
    }

    fn constant(&self, tag: Tag, record: &mut Cursor) -> Option<Value> {
        let heap = self.ev.heap;
        Some(match tag {
            Tag::Int => {
                let number = record.number();
                heap.int((number >> 1) as i64 ^ -((number & 1) as i64))
            }
            Tag::Float => {
                let bits = record.bytes().try_into().unwrap_or_default();
                heap.float(f64::from_le_bytes(bits))
            }
            Tag::String => heap.permanent_string(record.bytes()),
            Tag::AbsolutePath => heap.path(record.bytes()),
            Tag::RelativePath => heap.path(&path::literal(&self.image.directory, record.bytes())),
            Tag::EmptyList => Value::EMPTY_LIST,
            _ => return None,
        })
    }

    /// What a name of the base scope stands for.
    fn global(&self, name: Symbol) -> Slot {
        let known = self.ev.base_scope.borrow().get(&name).copied();
        known.unwrap_or(Slot::NULL)
    }

    fn lazy(&self, start: u32) -> Delayed {
        let (tag, mut record) = self.record(start);
        let op = match tag {
            Tag::Global => LazyOp::Const(self.global(record.name())),
            Tag::Variable => LazyOp::Variable(record.source()),
            Tag::Thunk => LazyOp::Thunk(self.thunk(&mut record)),
            Tag::Lambda => LazyOp::Lambda(self.lambda(&mut record)),
            tag => LazyOp::Const(self.constant(tag, &mut record).map_or(Slot::NULL, Value::slot)),
        };
        op.pack(self.ev.code)
    }

    fn list(&self, record: &mut Cursor) -> &'static [Delayed] {
        let length = record.count();
        self.slice(length, |_| self.lazy(record.operand()))
    }

    fn strict(&self, start: u32) -> Result<Code> {
        self.ev.stack.check_native()?;
        let (tag, mut record) = self.record(start);
        let record = &mut record;
        let op = match tag {
            Tag::Global => {
                let slot = self.global(record.name());
                match slot.direct() {
                    Some(value) => Op::Const(value),
                    None => Op::Global(slot),
                }
            }
            Tag::Local => Op::Local {
                index: record.index(),
                pos: record.pos(),
            },
            Tag::Captured => Op::Captured {
                index: record.index(),
                pos: record.pos(),
            },
            Tag::Lambda => Op::Lambda(self.lambda(record)),
            Tag::CurPos => Op::CurPos(record.pos()),
            Tag::With => Op::With(self.with(record)),
            Tag::Select => Op::Select(self.select(record)?),
            Tag::SelectPath => Op::SelectPath(self.select_path(record)?),
            Tag::HasAttr => Op::HasAttr(self.has_attr(record)?),
            Tag::Call => Op::Call(self.call(record)?),
            Tag::Sub => Op::Arithmetic(Arithmetic::Sub, self.arithmetic(record, self.ev.names.sub)?),
            Tag::Mul => Op::Arithmetic(Arithmetic::Mul, self.arithmetic(record, self.ev.names.mul)?),
            Tag::Div => Op::Arithmetic(Arithmetic::Div, self.arithmetic(record, self.ev.names.div)?),
            Tag::Less => Op::Arithmetic(
                Arithmetic::Less,
                self.arithmetic(record, self.ev.names.less_than)?,
            ),
            Tag::Let => Op::Let(self.let_in(record)?),
            Tag::Attrs => Op::Attrs(self.attrs(record)?),
            Tag::RecAttrs => Op::RecAttrs(self.rec_attrs(record)?),
            Tag::List => {
                let elements = self.list(record);
                Op::List(self.alloc(ListCode { elements }))
            }
            Tag::WithScope => {
                let namespace = self.lazy(record.operand());
                let local = record.index();
                let body = self.strict(record.operand())?;
                Op::WithScope(self.alloc(WithScopeCode {
                    namespace,
                    local,
                    body,
                }))
            }
            Tag::If => Op::If(self.if_then_else(record)?),
            Tag::Assert => Op::Assert(self.assert(record)?),
            Tag::Not => {
                let pos = record.pos();
                let operand = self.strict(record.operand())?;
                Op::Not(self.alloc(NotCode { operand, pos }))
            }
            Tag::Equal => Op::Equal(self.binary(record)?),
            Tag::NotEqual => Op::NotEqual(self.binary(record)?),
            Tag::And => Op::And(self.binary(record)?),
            Tag::Or => Op::Or(self.binary(record)?),
            Tag::Implies => Op::Implies(self.binary(record)?),
            Tag::ConcatLists => Op::ConcatLists(self.binary(record)?),
            Tag::Update => {
                let pos = record.pos();
                Op::Update(self.alloc(UpdateCode {
                    left: self.strict(record.operand())?,
                    right: self.strict(record.operand())?,
                    pos,
                    union: UnionCache::default(),
                }))
            }
            Tag::Concat => Op::Concat(self.concat(record)?),
            // What stands in lazy positions only is nothing here.
            tag => Op::Const(self.constant(tag, record).unwrap_or(Value::NULL)),
        };
        Ok(op.pack(self.ev.code))
    }

    fn with(&self, record: &mut Cursor) -> &'static WithCode {
        let (name, pos) = (record.name(), record.pos());
        let length = record.count();
        self.alloc(WithCode {
            name,
            namespaces: self.slice(length, |_| (record.source(), record.pos())),
            pos,
        })
    }

    fn select(&self, record: &mut Cursor) -> Result<&'static SelectCode> {
        let pos = record.pos();
        Ok(self.alloc(SelectCode {
            base: self.strict(record.operand())?,
            name: record.name(),
            pos,
            cache: InlineCache::new(),
        }))
    }

    fn path(&self, record: &mut Cursor) -> Result<&'static [Name]> {
        let length = record.count();
        let dynamic: Vec<Option<u32>> = (0..length).map(|_| record.optional_operand()).collect();
        self.try_slice(length, |i| {
            Ok(match dynamic[i] {
                None => Name::Static(record.name(), self.alloc(InlineCache::new())),
                Some(name) => Name::Dynamic(self.strict(name)?, record.pos()),
            })
        })
    }

    fn select_path(&self, record: &mut Cursor) -> Result<&'static SelectPathCode> {
        let pos = record.pos();
        let base = self.strict(record.operand())?;
        let default = record.optional_operand();
        Ok(self.alloc(SelectPathCode {
            base,
            default: default.map(|default| self.strict(default)).transpose()?,
            path: self.path(record)?,
            pos,
        }))
    }

    fn has_attr(&self, record: &mut Cursor) -> Result<&'static HasAttrCode> {
        let pos = record.pos();
        Ok(self.alloc(HasAttrCode {
            base: self.strict(record.operand())?,
            path: self.path(record)?,
            pos,
        }))
    }

    fn call(&self, record: &mut Cursor) -> Result<&'static CallCode> {
        let pos = record.pos();
        Ok(self.alloc(CallCode {
            function: self.strict(record.operand())?,
            args: self.list(record),
            pos,
        }))
    }

    fn binary(&self, record: &mut Cursor) -> Result<&'static BinaryCode> {
        self.binary_of(record, None)
    }

    /// An operation that is the call of a primop to the reference.
    fn arithmetic(&self, record: &mut Cursor, primop: Symbol) -> Result<&'static BinaryCode> {
        self.binary_of(record, self.ev.primop_of(self.global(primop)))
    }

    fn binary_of(
        &self,
        record: &mut Cursor,
        primop: Option<&'static crate::primop::Primop>,
    ) -> Result<&'static BinaryCode> {
        let pos = record.pos();
        Ok(self.alloc(BinaryCode {
            left: self.strict(record.operand())?,
            right: self.strict(record.operand())?,
            pos,
            primop,
        }))
    }

    fn bounds(&self, record: &mut Cursor) -> &'static [Bound] {
        let length = record.count();
        self.slice(length, |_| {
            let number = record.number();
            Bound {
                local: (number >> 1) as u32,
                late: number & 1 == 1,
                value: self.lazy(record.operand()),
            }
        })
    }

    fn let_in(&self, record: &mut Cursor) -> Result<&'static LetCode> {
        let body = self.strict(record.operand())?;
        let bindings = self.bounds(record);
        Ok(self.alloc(LetCode {
            bindings,
            has_late: bindings.iter().any(|bound| bound.late),
            body,
        }))
    }

    fn dynamic(&self, record: &mut Cursor) -> Result<&'static [DynamicCode]> {
        let length = record.count() / 2;
        let parts: Vec<(u32, u32)> = (0..length)
            .map(|_| (record.operand(), record.operand()))
            .collect();
        self.try_slice(length, |i| {
            Ok(DynamicCode {
                name: self.strict(parts[i].0)?,
                value: self.lazy(parts[i].1),
                pos: record.pos(),
            })
        })
    }

    /// Attributes with something of each, in the order of this process's symbols.
    fn sorted<T: Copy>(&self, record: &mut Cursor, parts: impl Iterator<Item = T>) -> Vec<(Symbol, Pos, T)> {
        let mut attrs: Vec<_> = parts.map(|part| (record.name(), record.pos(), part)).collect();
        if !attrs.is_sorted_by_key(|attr| attr.0) {
            attrs.sort_unstable_by_key(|attr| attr.0);
        }
        attrs
    }

    fn keys<T>(&self, attrs: &[(Symbol, Pos, T)]) -> &'static crate::keys::Keys {
        let heap = self.ev.heap;
        let keys = attrs.iter().map(|&(name, pos, _)| (name, pos));
        heap.keys.make_literal(heap, keys)
    }

    fn attrs(&self, record: &mut Cursor) -> Result<&'static AttrsCode> {
        let inherit_from = self.bounds(record);
        let dynamic = self.dynamic(record)?;
        let length = record.count();
        let slots: Vec<Delayed> = (0..length).map(|_| self.lazy(record.operand())).collect();
        let attrs = self.sorted(record, slots.into_iter());
        let more = (!inherit_from.is_empty() || !dynamic.is_empty()).then(|| {
            self.alloc(MoreAttrs {
                inherit_from,
                dynamic,
            })
        });
        Ok(self.alloc(AttrsCode {
            keys: self.keys(&attrs),
            slots: self.slice(length, |i| attrs[i].2),
            more,
        }))
    }

    fn rec_attrs(&self, record: &mut Cursor) -> Result<&'static RecAttrsCode> {
        let bindings = self.bounds(record);
        let dynamic = self.dynamic(record)?;
        let length = record.count();
        let own = &bindings[bindings.len() - length..];
        let attrs = self.sorted(record, own.iter().map(|bound| bound.local));
        let overrides = self.ev.names.overrides;
        Ok(self.alloc(RecAttrsCode {
            keys: self.keys(&attrs),
            locals: self.slice(length, |i| attrs[i].2),
            has_late: bindings.iter().any(|bound| bound.late),
            bindings,
            dynamic,
            overrides: attrs
                .iter()
                .position(|attr| attr.0 == overrides)
                .map(|i| i as u32),
        }))
    }

    fn if_then_else(&self, record: &mut Cursor) -> Result<&'static IfCode> {
        let pos = record.pos();
        Ok(self.alloc(IfCode {
            condition: self.strict(record.operand())?,
            then_branch: self.strict(record.operand())?,
            else_branch: self.strict(record.operand())?,
            pos,
        }))
    }

    fn assert(&self, record: &mut Cursor) -> Result<&'static AssertCode> {
        let pos = record.pos();
        Ok(self.alloc(AssertCode {
            condition: self.strict(record.operand())?,
            body: self.strict(record.operand())?,
            pos,
            text: record.bytes(),
        }))
    }

    fn concat(&self, record: &mut Cursor) -> Result<&'static ConcatCode> {
        let pos = record.pos();
        let force_string = record.number() == 1;
        let length = record.count();
        let parts: Vec<u32> = (0..length).map(|_| record.operand()).collect();
        Ok(self.alloc(ConcatCode {
            force_string,
            parts: self.try_slice(length, |i| Ok((self.strict(parts[i])?, record.pos())))?,
            pos,
        }))
    }
}
