//! How running code stops: an exception of the contract's, or a trap that it cannot catch.

use std::rc::Rc;

use crate::memory::Charge;
use crate::value::{ExcObj, StrObj, Value};
use crate::HostError;

/// Exception classes: a closed tree.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Exc {
    Exception,
    ArithmeticError,
    ZeroDivisionError,
    OverflowError,
    LookupError,
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AssertionError,
    AttributeError,
    NameError,
    UnboundLocalError,
    RuntimeError,
    StopIteration,
    UnicodeError,
    UnicodeDecodeError,
    UnicodeEncodeError,
    Rejected,
    NotImplementedError,
    RecursionError,
    SyntaxError,
    OSError,
    EOFError,
    BufferError,
    MemoryError,
}

impl Exc {
    pub(crate) const ALL: [Exc; 26] = [
        Exc::Exception,
        Exc::ArithmeticError,
        Exc::ZeroDivisionError,
        Exc::OverflowError,
        Exc::LookupError,
        Exc::KeyError,
        Exc::IndexError,
        Exc::TypeError,
        Exc::ValueError,
        Exc::AssertionError,
        Exc::AttributeError,
        Exc::NameError,
        Exc::UnboundLocalError,
        Exc::RuntimeError,
        Exc::StopIteration,
        Exc::UnicodeError,
        Exc::UnicodeDecodeError,
        Exc::UnicodeEncodeError,
        Exc::Rejected,
        Exc::NotImplementedError,
        Exc::RecursionError,
        Exc::SyntaxError,
        Exc::OSError,
        Exc::EOFError,
        Exc::BufferError,
        Exc::MemoryError,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Exc::Exception => "Exception",
            Exc::ArithmeticError => "ArithmeticError",
            Exc::ZeroDivisionError => "ZeroDivisionError",
            Exc::OverflowError => "OverflowError",
            Exc::LookupError => "LookupError",
            Exc::KeyError => "KeyError",
            Exc::IndexError => "IndexError",
            Exc::TypeError => "TypeError",
            Exc::ValueError => "ValueError",
            Exc::AssertionError => "AssertionError",
            Exc::AttributeError => "AttributeError",
            Exc::NameError => "NameError",
            Exc::UnboundLocalError => "UnboundLocalError",
            Exc::RuntimeError => "RuntimeError",
            Exc::StopIteration => "StopIteration",
            Exc::UnicodeError => "UnicodeError",
            Exc::UnicodeDecodeError => "UnicodeDecodeError",
            Exc::UnicodeEncodeError => "UnicodeEncodeError",
            Exc::Rejected => "Rejected",
            Exc::NotImplementedError => "NotImplementedError",
            Exc::RecursionError => "RecursionError",
            Exc::SyntaxError => "SyntaxError",
            Exc::OSError => "OSError",
            Exc::EOFError => "EOFError",
            Exc::BufferError => "BufferError",
            Exc::MemoryError => "MemoryError",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Exc> {
        Exc::ALL.into_iter().find(|class| class.name() == name)
    }

    fn parent(self) -> Option<Exc> {
        match self {
            Exc::Exception => None,
            Exc::ZeroDivisionError | Exc::OverflowError => Some(Exc::ArithmeticError),
            Exc::KeyError | Exc::IndexError => Some(Exc::LookupError),
            Exc::UnboundLocalError => Some(Exc::NameError),
            Exc::UnicodeError => Some(Exc::ValueError),
            Exc::NotImplementedError | Exc::RecursionError => Some(Exc::RuntimeError),
            Exc::UnicodeDecodeError | Exc::UnicodeEncodeError => Some(Exc::UnicodeError),
            _ => Some(Exc::Exception),
        }
    }

    /// Whether this class is `other` or below it.
    pub(crate) fn is(self, other: Exc) -> bool {
        let mut class = Some(self);
        while let Some(current) = class {
            if current == other {
                return true;
            }
            class = current.parent();
        }
        false
    }
}

/// Why execution stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An exception that the contract may catch.
    Raise(Rc<ExcObj>),
    /// A limit or a refused construct: never catchable.
    Fatal { code: &'static str, message: String },
    /// A contract that was called failed: never catchable by its caller.
    Failed(Box<crate::Failed>),
    /// The state could not be read: says nothing about the call.
    Host(HostError),
}

/// A boxed [`Stop`]: results stay small on the fast path.
pub(crate) type Trap = Box<Stop>;

/// A result of running code.
pub(crate) type R<T> = Result<T, Trap>;

/// An exception with a message.
#[cold]
#[inline(never)]
pub(crate) fn raise(class: Exc, message: impl Into<String>) -> Trap {
    let text = Value::Str(Rc::new(StrObj::unmetered(message.into())));
    raise_with(class, vec![text])
}

/// An exception with arguments.
#[cold]
#[inline(never)]
pub(crate) fn raise_with(class: Exc, args: Vec<Value>) -> Trap {
    Box::new(Stop::Raise(Rc::new(ExcObj {
        class,
        args,
        line: Default::default(),
        charge: Charge::none(),
    })))
}

/// A `TypeError`.
#[cold]
#[inline(never)]
pub(crate) fn type_error(message: impl Into<String>) -> Trap {
    raise(Exc::TypeError, message)
}

/// A `ValueError`.
#[cold]
#[inline(never)]
pub(crate) fn value_error(message: impl Into<String>) -> Trap {
    raise(Exc::ValueError, message)
}

/// A stop that the contract cannot catch.
#[cold]
#[inline(never)]
pub(crate) fn fatal(code: &'static str, message: impl Into<String>) -> Trap {
    Box::new(Stop::Fatal {
        code,
        message: message.into(),
    })
}

/// Something that the VM cannot do as CPython does it.
#[cold]
#[inline(never)]
pub(crate) fn refused(message: impl Into<String>) -> Trap {
    fatal("language.refused", message)
}

/// Nesting beyond what native code may follow.
#[cold]
#[inline(never)]
pub(crate) fn too_deep() -> Trap {
    fatal(
        "limit.depth",
        "containers are nested too deep here: flatten them",
    )
}

/// Program code that the compiler never makes.
#[cold]
#[inline(never)]
pub(crate) fn malformed() -> Trap {
    fatal(
        "program.malformed",
        "the compiled code does what the compiler never writes",
    )
}
