"""Tables that are data frames of pandas and polars, by way of Arrow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, cast

from nova.sdk.optional_imports import import_optional

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

PANDAS_EXTRA, POLARS_EXTRA = "pandas", "polars"


class ArrowFrames(ABC):
    """What has an Arrow table has the frames of both libraries. Each raises NovaError if its
    library is not installed.
    """

    @abstractmethod
    def to_arrow(self) -> pa.Table:
        """The Arrow table; times are nanoseconds in UTC."""

    def to_pandas(self, *, nullable: bool = False) -> pd.DataFrame:
        """A DataFrame: times are datetime64[ns, UTC], numbers float64, booleans `boolean`, texts of
        fields categories. What a row does not have is NaN, as a number that is NaN is; with
        `nullable` all columns have Arrow's types, and it is NA.
        """
        pandas = import_optional("pandas", PANDAS_EXTRA)
        table = self.to_arrow()
        if nullable:
            return table.cast(_without_dictionaries(table.schema)).to_pandas(
                types_mapper=pandas.ArrowDtype
            )
        arrow = import_optional("pyarrow", PANDAS_EXTRA)
        return table.to_pandas(types_mapper={arrow.bool_(): pandas.BooleanDtype()}.get)

    def to_polars(self) -> pl.DataFrame:
        """A DataFrame: times are Datetime("ns", "UTC"), numbers Float64, texts of fields
        Categorical. What a row does not have is null, and NaN stays NaN.
        """
        polars = import_optional("polars", POLARS_EXTRA)
        return cast("pl.DataFrame", polars.from_arrow(self.to_arrow()))


def _without_dictionaries(schema: Any) -> Any:
    """Texts as they are: pandas has no type for dictionaries of Arrow."""
    for place, field in enumerate(schema):
        if hasattr(field.type, "value_type") and hasattr(field.type, "index_type"):
            schema = schema.set(place, field.with_type(field.type.value_type))
    return schema
