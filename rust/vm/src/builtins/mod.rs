//! Builtin functions and methods: a closed list.

mod bytes_lines;
mod bytes_methods;
mod bytes_more;
mod codecs;
mod conversions;
mod dict_methods;
mod functions;
mod int_methods;
mod iterators;
pub(crate) mod library;
mod list_methods;
pub(crate) mod methods;
mod named;
mod ordered;
mod set_methods;
mod str_format;
mod str_methods;
mod str_split;
mod translate;
mod types;

macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($(#[$each:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Copy, Clone, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum $kind { $($(#[$each])* $variant,)* }

        impl $kind {
            const ALL: &'static [($kind, &'static str)] = &[$(($kind::$variant, $name),)*];

            /// The one of this name.
            pub(crate) fn from_name(name: &str) -> Option<$kind> {
                $kind::ALL.iter().find(|(_, known)| *known == name).map(|(found, _)| *found)
            }

            /// Its name in a contract.
            pub(crate) fn name(self) -> &'static str {
                $kind::ALL[self as usize].1
            }
        }
    };
}

names! {
    /// A builtin function or type.
    Builtin {
        Abs = "abs",
        All = "all",
        Any = "any",
        Ascii = "ascii",
        Bin = "bin",
        Bool = "bool",
        Bytes = "bytes",
        Chr = "chr",
        Dict = "dict",
        Divmod = "divmod",
        Enumerate = "enumerate",
        Filter = "filter",
        Format = "format",
        Frozenset = "frozenset",
        Hex = "hex",
        Int = "int",
        Isinstance = "isinstance",
        Len = "len",
        List = "list",
        Map = "map",
        Max = "max",
        Min = "min",
        Oct = "oct",
        Ord = "ord",
        Pow = "pow",
        Range = "range",
        Repr = "repr",
        Reversed = "reversed",
        Set = "set",
        Slice = "slice",
        Sorted = "sorted",
        Str = "str",
        Sum = "sum",
        Tuple = "tuple",
        Zip = "zip",
        Print = "print",
        Callable = "callable",
        Issubclass = "issubclass",
        Iter = "iter",
        Next = "next",
        Round = "round",
        Type = "type",
        TypeName = "type name",
        Decimal = "Decimal",
        MulDiv = "mul_div",
        Allocate = "allocate",
        Date = "date",
        StartOfDay = "start_of_day",
        DateOf = "date_of",
        DateParts = "date_parts",
        DatetimeOf = "datetime_of",
        DatetimeParts = "datetime_parts",
        DaysBetween = "days_between",
        AddMonths = "add_months",
        EndOfMonth = "end_of_month",
        IsoWeekday = "iso_weekday",
        Quarter = "quarter",
        IsLeapYear = "is_leap_year",
        FormatDate = "format_date",
        ParseDate = "parse_date",
        FormatDatetime = "format_datetime",
        ParseDatetime = "parse_datetime",
        Sha256 = "sha256",
        Sm3 = "sm3",
        Commit = "commit",
        Opens = "opens",
        IsSigned = "is_signed",
        IsValidContainer = "is_valid_container",
        IsValidGln = "is_valid_gln",
        IsValidGtin = "is_valid_gtin",
        IsValidIban = "is_valid_iban",
        IsValidIsin = "is_valid_isin",
        IsValidLei = "is_valid_lei",
        IsValidSscc = "is_valid_sscc",
        IsValidUscc = "is_valid_uscc",
        Gcd = "gcd",
        Isqrt = "isqrt",
        Lcm = "lcm",
        SignedBy = "signed_by",
        /// The type of None: a value, but no name of the language.
        NoneType = "type of None",
    }
}

impl Builtin {
    /// Its number in compiled code.
    pub(crate) fn number(self) -> u16 {
        self as u16
    }

    /// Its name as CPython shows it.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Builtin::NoneType => "NoneType",
            other => other.name(),
        }
    }

    pub(crate) fn from_number(number: u16) -> Option<Builtin> {
        Builtin::ALL
            .get(usize::from(number))
            .map(|(found, _)| *found)
    }

    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Builtin::ALL.iter().map(|(_, name)| *name)
    }
}

names! {
    /// A method of a built-in type, by name; one name may belong to several types.
    Method {
        Add = "add",
        Append = "append",
        AsIntegerRatio = "as_integer_ratio",
        BitCount = "bit_count",
        BitLength = "bit_length",
        By = "by",
        Capitalize = "capitalize",
        Casefold = "casefold",
        Center = "center",
        Clear = "clear",
        Conjugate = "conjugate",
        Copy = "copy",
        Count = "count",
        Decode = "decode",
        Delete = "delete",
        Difference = "difference",
        DifferenceUpdate = "difference_update",
        Discard = "discard",
        Emit = "emit",
        Encode = "encode",
        Endswith = "endswith",
        Expandtabs = "expandtabs",
        Extend = "extend",
        Find = "find",
        Format = "format",
        FormatMap = "format_map",
        FromBytes = "from_bytes",
        Fromhex = "fromhex",
        Fromkeys = "fromkeys",
        Get = "get",
        Hex = "hex",
        Index = "index",
        Insert = "insert",
        Intersection = "intersection",
        IntersectionUpdate = "intersection_update",
        Isalnum = "isalnum",
        Isalpha = "isalpha",
        Isascii = "isascii",
        Isdecimal = "isdecimal",
        Isdigit = "isdigit",
        Isdisjoint = "isdisjoint",
        Isidentifier = "isidentifier",
        Islower = "islower",
        Isnumeric = "isnumeric",
        Isprintable = "isprintable",
        Isspace = "isspace",
        Issubset = "issubset",
        Issuperset = "issuperset",
        Istitle = "istitle",
        Isupper = "isupper",
        Items = "items",
        Join = "join",
        Keys = "keys",
        Ljust = "ljust",
        Lower = "lower",
        Lstrip = "lstrip",
        Maketrans = "maketrans",
        Partition = "partition",
        Pop = "pop",
        Popitem = "popitem",
        Remove = "remove",
        Removeprefix = "removeprefix",
        Removesuffix = "removesuffix",
        Replace = "replace",
        Reverse = "reverse",
        Rfind = "rfind",
        Rindex = "rindex",
        Rjust = "rjust",
        Rpartition = "rpartition",
        Rsplit = "rsplit",
        Rstrip = "rstrip",
        Scan = "scan",
        Setdefault = "setdefault",
        Sort = "sort",
        Split = "split",
        Splitlines = "splitlines",
        Startswith = "startswith",
        Strip = "strip",
        Swapcase = "swapcase",
        SymmetricDifference = "symmetric_difference",
        SymmetricDifferenceUpdate = "symmetric_difference_update",
        Title = "title",
        ToBytes = "to_bytes",
        Translate = "translate",
        Union = "union",
        Update = "update",
        Upper = "upper",
        Values = "values",
        Zfill = "zfill",
    }
}
