"""Parts of `concat`: from the subband files of one group to its Measurement Set."""
