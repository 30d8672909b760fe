//! The instruction set: an operation and three 16-bit operands.
//!
//! Operands are checked by their kinds when a program is read, so that the interpreter may index
//! tables without a second thought; registers are checked against the function's count.

/// What an operand means.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Not used: must be zero.
    Nothing,
    /// A register.
    Register,
    /// The first of as many registers as the instruction's count operand says.
    Run,
    /// The first of registers whose number follows from another table; checked there.
    Base,
    /// A constant.
    Const,
    /// A name.
    Name,
    /// A function.
    Function,
    /// A class.
    Class,
    /// A table of the contract.
    Table,
    /// A call shape.
    Shape,
    /// A builtin.
    Builtin,
    /// An instruction of the same function.
    Target,
    /// A count of registers for [`Kind::Run`].
    Count,
    /// Any number.
    Number,
    /// A variable of a script's module.
    Slot,
    /// A cell of the contract's state.
    Cell,
    /// Another contract that this one uses.
    Use,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident = $a:ident $b:ident $c:ident;)*) => {
        /// An operation.
        #[derive(Copy, Clone, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum Op { $($(#[$doc])* $name,)* }

        impl Op {
            /// All operations by number.
            pub(crate) const ALL: &'static [Op] = &[$(Op::$name,)*];

            /// The kinds of the three operands.
            pub(crate) fn kinds(self) -> [Kind; 3] {
                match self { $(Op::$name => [Kind::$a, Kind::$b, Kind::$c],)* }
            }
        }
    };
}

operations! {
    /// Does nothing.
    Nop = Nothing Nothing Nothing;
    /// a = b
    Move = Register Register Nothing;
    /// a = b, and b is given up
    Take = Register Register Nothing;
    /// a = constant b
    Const = Register Const Nothing;
    /// a = small integer b (biased)
    Small = Register Number Nothing;
    /// a loses its value
    Unset = Register Nothing Nothing;
    /// fails where a has no value; b names it
    Bound = Register Name Nothing;
    /// a = cell holding a
    MakeCell = Register Nothing Nothing;
    /// a = content of cell b; c names it
    LoadCell = Register Register Name;
    /// content of cell a = b
    StoreCell = Register Register Nothing;
    /// content of cell a is removed; c names it
    ClearCell = Register Nothing Name;
    /// a = function b with what registers from c hold
    Closure = Register Function Base;
    Add = Register Register Register;
    Sub = Register Register Register;
    Mul = Register Register Register;
    TrueDiv = Register Register Register;
    FloorDiv = Register Register Register;
    Mod = Register Register Register;
    Pow = Register Register Register;
    Shl = Register Register Register;
    Shr = Register Register Register;
    BitAnd = Register Register Register;
    BitOr = Register Register Register;
    BitXor = Register Register Register;
    /// a = b + c, changing the object in b where it can change; a may be b
    AddIn = Register Register Register;
    SubIn = Register Register Register;
    MulIn = Register Register Register;
    AndIn = Register Register Register;
    OrIn = Register Register Register;
    XorIn = Register Register Register;
    /// a = b + small integer c (biased)
    AddSmall = Register Register Number;
    Neg = Register Register Nothing;
    Pos = Register Register Nothing;
    Invert = Register Register Nothing;
    Not = Register Register Nothing;
    Eq = Register Register Register;
    Ne = Register Register Register;
    Lt = Register Register Register;
    Le = Register Register Register;
    Gt = Register Register Register;
    Ge = Register Register Register;
    Is = Register Register Register;
    IsNot = Register Register Register;
    In = Register Register Register;
    NotIn = Register Register Register;
    Jump = Target Nothing Nothing;
    JumpIf = Register Target Nothing;
    JumpIfNot = Register Target Nothing;
    /// jumps to c if a == b
    IfEq = Register Register Target;
    IfNe = Register Register Target;
    IfLt = Register Register Target;
    IfLe = Register Register Target;
    IfGt = Register Register Target;
    IfGe = Register Register Target;
    /// jumps to c if not a == b
    UnlessEq = Register Register Target;
    UnlessNe = Register Register Target;
    UnlessLt = Register Register Target;
    UnlessLe = Register Register Target;
    UnlessGt = Register Register Target;
    UnlessGe = Register Register Target;
    /// jumps to b if a is None
    IfNone = Register Target Nothing;
    UnlessNone = Register Target Nothing;
    /// a = b.c
    GetAttr = Register Register Name;
    /// a = b[c]
    GetItem = Register Register Register;
    /// a[b] = c
    SetItem = Register Register Register;
    /// del a[b]
    DelItem = Register Register Nothing;
    /// a = slice of the three registers from b
    Slice = Register Base Nothing;
    /// a = list of c registers from b
    List = Register Run Count;
    Tuple = Register Run Count;
    Set = Register Run Count;
    /// a = dict of c / 2 pairs from b
    Dict = Register Run Count;
    /// a = text of c values from b, one after the other
    Join = Register Run Count;
    /// appends b to list a
    Append = Register Register Nothing;
    /// appends all of b to list a
    Extend = Register Register Nothing;
    /// adds b to set a
    AddTo = Register Register Nothing;
    /// adds all of b to set a
    AddAll = Register Register Nothing;
    /// a[b] = c, for a dict being built
    Put = Register Register Register;
    /// merges mapping b into dict a
    Merge = Register Register Nothing;
    /// merges keyword arguments b into dict a: a key twice is an error
    MergeNew = Register Register Nothing;
    /// a = tuple of list b
    ToTuple = Register Register Nothing;
    /// c registers from b = items of a
    Unpack = Register Run Count;
    /// items of a into registers from b: c holds the counts before and after the star
    UnpackStar = Register Base Number;
    /// two registers from a = iteration over b
    Iter = Base Register Nothing;
    /// b = next of the iteration at a, or jump to c
    Next = Base Register Target;
    /// registers b and b + 1 = next pair of the iteration at a, or jump to c
    NextPair = Base Base Target;
    /// function b with arguments from a; result in a
    Call = Base Function Nothing;
    /// value in a with b arguments after it; result in a
    CallValue = Base Number Nothing;
    /// the same with a call shape
    CallShape = Base Shape Nothing;
    /// value in a, tuple of arguments in a + 1, dict of keywords in a + 2; result in a
    CallStar = Base Nothing Nothing;
    /// method b of a with c arguments after it; result in a
    CallMethod = Base Name Number;
    /// the same with a call shape
    CallMethodShape = Base Name Shape;
    /// builtin b with c arguments from a; result in a
    CallBuiltin = Base Builtin Number;
    CallBuiltinShape = Base Builtin Shape;
    /// record of class b with all its fields from a; result in a
    Build = Base Class Nothing;
    Return = Register Nothing Nothing;
    /// raises what is in a
    Raise = Register Nothing Nothing;
    /// raises the caught exception in a again
    Reraise = Register Nothing Nothing;
    /// a = whether exception b is of class or classes c
    Matches = Register Register Register;
    /// rejects with code a and message b
    Reject = Register Register Nothing;
    /// a = constant text of failed assertion; raises AssertionError with a if c is 1
    Assert = Register Number Nothing;
    /// announces event a
    Emit = Register Nothing Nothing;
    /// a = table b
    Table = Register Table Nothing;
    /// a = part b of the call's context
    Context = Register Number Nothing;
    /// a = text of b with format specification c
    Format = Register Register Register;
    /// a = conversion c (s, r, a) of b
    Convert = Register Register Number;
    /// a = whether b can match a sequence pattern of c items (high bit: at least)
    IsSequence = Register Register Number;
    /// a = whether b can match a mapping pattern
    IsMapping = Register Register Nothing;
    /// a = b without the keys of tuple c
    Rest = Register Register Register;
    /// a = item at key c of mapping b, or no value
    Lookup = Register Register Register;
    /// jumps to b if a has no value
    IfUnset = Register Target Nothing;
    /// a = whether b can match as class in c
    IsInstance = Register Register Register;
    /// a = variable b of the module
    LoadGlobal = Register Slot Nothing;
    /// variable b of the module = a
    StoreGlobal = Register Slot Nothing;
    /// variable a of the module loses its value, or fails without one
    ClearGlobal = Slot Nothing Nothing;
    FloorDivIn = Register Register Register;
    ModIn = Register Register Register;
    PowIn = Register Register Register;
    ShlIn = Register Register Register;
    ShrIn = Register Register Register;
    /// fails where a has no attribute b: asked before the arguments of a call are evaluated
    HasAttr = Register Name Nothing;
    /// fails where a, a variable of the module, has no value; b names it
    BoundGlobal = Register Name Nothing;
    /// a = value of cell b
    CellGet = Register Cell Nothing;
    /// value of cell b = a
    CellSet = Register Cell Nothing;
    /// a = value of counter b, after adding a
    CellAdd = Register Cell Nothing;
    /// a = all rows of the stored table that b names, which loses them
    Drain = Register Register Nothing;
    /// method c of used contract b with arguments from a; result in a
    CallContract = Base Use Number;
}

/// Added to small integers in operands.
pub(crate) const SMALL_BIAS: i64 = 32_768;

/// One instruction; 8 bytes.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Instr {
    pub(crate) op: Op,
    pub(crate) a: u16,
    pub(crate) b: u16,
    pub(crate) c: u16,
}

impl Instr {
    pub(crate) fn new(op: Op, a: u16, b: u16, c: u16) -> Instr {
        Instr { op, a, b, c }
    }

    /// The operands in order.
    pub(crate) fn operands(self) -> [u16; 3] {
        [self.a, self.b, self.c]
    }
}
