"""XTCE definitions of any types and containers, drawn by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.recordings.packet_files import HEADER_FIELDS

ROOT = "CCSDSPacket"
APIDS = (3, 4)
Fields = list[tuple[str, str]]

_number = st.sampled_from(["0", "1", "-1", "0.1", "2.5", "-1e300", "1e-320", "3", "inf", "nan"])
_order = st.sampled_from(["", ' byteOrder="leastSignificantByteFirst"'])
_sign = st.sampled_from(["unsigned", "twosComplement", "onesComplement", "signMagnitude"])


@st.composite
def _polynomial(draw: st.DrawFn) -> str:
    terms = draw(st.lists(st.tuples(_number, st.integers(-1, 20)), max_size=4))
    inner = "".join(f'<Term coefficient="{value}" exponent="{power}"/>' for value, power in terms)
    return f"<PolynomialCalibrator>{inner}</PolynomialCalibrator>"


@st.composite
def _spline(draw: st.DrawFn) -> str:
    raws = st.one_of(st.integers(-300, 300), st.floats(-1e3, 1e3))
    points = draw(st.lists(st.tuples(raws, _number), min_size=1, max_size=5))
    inner = "".join(f'<SplinePoint raw="{raw}" calibrated="{value}"/>' for raw, value in points)
    order, beyond = draw(st.integers(0, 1)), draw(st.sampled_from(["true", "false"]))
    return f'<SplineCalibrator order="{order}" extrapolate="{beyond}">{inner}</SplineCalibrator>'


@st.composite
def _calibrators(draw: st.DrawFn) -> str:
    """A calibrator or none, rarely one that depends on another field."""
    how = draw(st.sampled_from(["none"] * 10 + ["default"] * 9 + ["context"]))
    if how == "none":
        return ""
    inner = draw(st.one_of(_polynomial(), _spline()))
    if how == "default":
        return f"<DefaultCalibrator>{inner}</DefaultCalibrator>"
    return (
        '<ContextCalibratorList><ContextCalibrator><ContextMatch><Comparison parameterRef="TYPE" '
        f'value="0"/></ContextMatch><Calibrator>{inner}</Calibrator></ContextCalibrator>'
        "</ContextCalibratorList>"
    )


@st.composite
def _integer(draw: st.DrawFn) -> str:
    bits = draw(st.one_of(st.sampled_from([1, 3, 8, 12, 16, 24, 32, 64]), st.integers(1, 80)))
    order = draw(_order)
    inner = draw(_calibrators())
    return (
        f'<IntegerDataEncoding sizeInBits="{bits}" encoding="{draw(_sign)}"{order}>{inner}'
        "</IntegerDataEncoding>"
    )


@st.composite
def _float(draw: st.DrawFn) -> str:
    kinds = [("IEEE754", 16), ("IEEE754", 32), ("IEEE754_1985", 64), ("MILSTD_1750A", 32)]
    encoding, bits = draw(st.sampled_from(kinds))
    order, inner = draw(_order), draw(_calibrators())
    return (
        f'<FloatDataEncoding sizeInBits="{bits}" encoding="{encoding}"{order}>{inner}'
        "</FloatDataEncoding>"
    )


@st.composite
def _string(draw: st.DrawFn) -> str:
    encoding = draw(st.sampled_from(["UTF-8", "US-ASCII", "ISO-8859-1", "UTF-16BE"]))
    end = {"UTF-16BE": "0000"}.get(encoding, "00")
    derived = draw(
        st.sampled_from(
            [
                "",
                f"<TerminationChar>{end}</TerminationChar>",
                '<LeadingSize sizeInBitsOfSizeTag="8"/>',
                '<LeadingSize sizeInBitsOfSizeTag="5"/>',
            ]
        )
    )
    bits = draw(st.one_of(st.sampled_from([8, 16, 32, 64]), st.integers(1, 70)))
    size = f"<Fixed><FixedValue>{bits}</FixedValue></Fixed>"
    return (
        f'<StringDataEncoding encoding="{encoding}"><SizeInBits>{size}{derived}</SizeInBits>'
        "</StringDataEncoding>"
    )


@st.composite
def _binary(draw: st.DrawFn) -> str:
    bits = draw(st.one_of(st.sampled_from([8, 32]), st.integers(1, 90)))
    size = f"<FixedValue>{bits}</FixedValue>"
    if not draw(st.integers(0, 9)):
        size = (
            '<DynamicValue><ParameterInstanceRef parameterRef="SEC_HDR_FLG"/>'
            '<LinearAdjustment slope="8" intercept="8"/></DynamicValue>'
        )
    return f"<BinaryDataEncoding><SizeInBits>{size}</SizeInBits></BinaryDataEncoding>"


@st.composite
def _enumerated(draw: st.DrawFn, name: str) -> str:
    encoding = draw(st.one_of(_integer(), _integer(), _float(), _string()))
    is_text = "String" in encoding
    values = ["A", "B"] if is_text else [str(one) for one in draw(st.lists(st.integers(-2, 9)))]
    labels = "".join(f'<Enumeration value="{one}" label="L{one}"/>' for one in values)
    return (
        f'<EnumeratedParameterType name="{name}">{encoding}<EnumerationList>{labels}'
        "</EnumerationList></EnumeratedParameterType>"
    )


@st.composite
def parameter_type(draw: st.DrawFn, name: str) -> str:
    """A type of any kind."""
    kind = draw(st.sampled_from(["Integer", "Float", "String", "Binary", "Boolean", "Enumerated"]))
    if kind == "Enumerated":
        return draw(_enumerated(name))
    numeric = st.one_of(_integer(), _float())
    encodings = {"String": _string(), "Binary": _binary()}
    encoding = draw(encodings.get(kind, numeric))
    return f'<{kind}ParameterType name="{name}">{encoding}</{kind}ParameterType>'


@st.composite
def _criteria(draw: st.DrawFn, fields: list[str]) -> str:
    """A restriction to values of some fields, which may be undefined or calibrated."""
    name = draw(st.sampled_from(fields))
    value = draw(st.sampled_from(["0", "1", "L1", "2.5"]))
    operator = draw(st.sampled_from(["==", "!=", "&lt;="]))
    calibrated = draw(st.sampled_from(["true", "false"]))
    if draw(st.booleans()):
        return (
            f'<Comparison parameterRef="{name}" value="{value}" comparisonOperator="{operator}" '
            f'useCalibratedValue="{calibrated}"/>'
        )
    condition = (
        f'<Condition><ParameterInstanceRef parameterRef="{name}" useCalibratedValue='
        f'"{calibrated}"/><ComparisonOperator>{operator}</ComparisonOperator><Value>{value}</Value>'
        "</Condition>"
    )
    joined = draw(st.sampled_from(["ANDedConditions", "ORedConditions"]))
    other = draw(st.sampled_from(fields))
    return (
        f"<BooleanExpression><{joined}>{condition}{condition.replace(name, other)}</{joined}>"
        "</BooleanExpression>"
    )


def _container(name: str, base: str, criteria: str, fields: Fields, *, is_abstract: bool) -> str:
    entries = "".join(f'<ParameterRefEntry parameterRef="{one}"/>' for one, _ in fields)
    inherits = (
        f'<BaseContainer containerRef="{base}"><RestrictionCriteria>{criteria}'
        "</RestrictionCriteria></BaseContainer>"
        if base
        else ""
    )
    return (
        f'<SequenceContainer name="{name}" abstract="{str(is_abstract).lower()}">{inherits}'
        f"<EntryList>{entries}</EntryList></SequenceContainer>"
    )


@st.composite
def definitions(draw: st.DrawFn) -> str:
    """A definition of two APIDs, each extended by up to two containers."""
    header = [(name, f"H{bits}") for name, bits in HEADER_FIELDS.items()]
    types = [
        f'<IntegerParameterType name="H{bits}"><IntegerDataEncoding sizeInBits="{bits}"/>'
        "</IntegerParameterType>"
        for bits in sorted(set(HEADER_FIELDS.values()))
    ]
    containers = [_container(ROOT, "", "", header, is_abstract=True)]
    fields = list(header)
    for apid in APIDS:
        body = [(f"A{apid}_{n}", f"T{apid}_{n}") for n in range(draw(st.integers(0, 6)))]
        types += [draw(parameter_type(kind)) for _, kind in body]
        fields += body
        criteria = f'<Comparison parameterRef="PKT_APID" value="{apid}"/>'
        is_abstract = draw(st.booleans())
        containers.append(_container(f"C{apid}", ROOT, criteria, body, is_abstract=is_abstract))
        for heir in range(draw(st.integers(0, 2))):
            names = [name for name, _ in body] or ["TYPE"]
            inner = [(f"A{apid}_{heir}_{n}", f"T{apid}_{heir}_{n}") for n in range(2)]
            types += [draw(parameter_type(kind)) for _, kind in inner]
            fields += inner
            limits = draw(_criteria([*names, "SRC_SEQ_CTR"]))
            containers.append(
                _container(f"C{apid}_{heir}", f"C{apid}", limits, inner, is_abstract=False)
            )
    parameters = "".join(
        f'<Parameter name="{name}" parameterTypeRef="{kind}"/>' for name, kind in fields
    )
    return (
        '<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="Drawn">'
        f"<TelemetryMetaData><ParameterTypeSet>{''.join(types)}</ParameterTypeSet><ParameterSet>"
        f"{parameters}</ParameterSet><ContainerSet>{''.join(containers)}</ContainerSet>"
        "</TelemetryMetaData></SpaceSystem>"
    )
