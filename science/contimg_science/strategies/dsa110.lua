-- AOFlagger strategy of contimg for one DSA-110 baseline: 24 integrations of 12.9 s, one band of 96 to 768 channels, XX and YY.
-- Array-wide interference is already flagged when this runs; it looks for what single baselines see.
-- BASE_THRESHOLD is a parameter of the step, put in before this is loaded (flagging/aoflagger_pass.py). The factor 0.8 for transients
-- was chosen against the false-alarm rate on clean data (science/tests/test_flag.py).
-- Never normalises subbands: their own median would hide interference that fills one of them.

aoflagger.require_min_version("3.0")

function execute(input)
  local base_threshold = BASE_THRESHOLD
  local transient_factor = 0.8
  local iterations = 4
  local step = 2.0

  local untouched = input:copy()
  for _, polarization in ipairs(input:get_polarizations()) do
    local original = input:convert_to_polarization(polarization):convert_to_complex("amplitude")
    local residual = original:copy()

    for i = 1, iterations - 1 do
      local level = base_threshold * step ^ (iterations - i)
      aoflagger.sumthreshold_masked(residual, original, level, level * transient_factor, true, true)

      -- The smooth sky and bandpass: no resampling in time, where 24 integrations are all there is.
      residual:set_visibilities(original)
      residual:join_mask(original)
      local smooth = aoflagger.downsample(residual, 1, 2, true)
      aoflagger.low_pass_filter(smooth, 11, 31, 3.0, 8.0)
      aoflagger.upsample(smooth, residual, 1, 2)
      local difference = original - residual
      difference:set_mask(residual)
      residual = difference
    end

    aoflagger.sumthreshold_masked(residual, original, base_threshold, base_threshold * transient_factor, true, true)
    residual:join_mask(original)
    input:set_polarization_data(polarization, residual:convert_to_complex("complex"))
  end
  aoflagger.scale_invariant_rank_operator_masked(input, untouched, 0.1, 0.1)
end
