"""The built-in UDFs; `lamella.udf` has their names."""
