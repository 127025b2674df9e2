/* out[0] = the mean length of the rows of x. One work-group; each of its work-items takes every CSG_GROUP-th row. */
__kernel __attribute__((reqd_work_group_size(CSG_GROUP, 1, 1))) void
meannorm(__global const float *x, ulong x_at, __global float *out, ulong out_at, ulong x_stride, ulong rows, ulong width)
{
    __local float tmp[CSG_GROUP];
    uint item = (uint)get_local_id(0);
    float sum = 0.0f;
    for (ulong r = item; r < rows; r += CSG_GROUP) {
        __global const float *row = x + x_at + r * x_stride;
        vecf squares = (vecf)(0.0f);
        float rest = 0.0f;
        ulong whole = width / CSG_WIDTH;
        for (ulong i = 0; i < whole; i++) {
            vecf part = csg_load(i, row);
            squares = csg_fma(part, part, squares);
        }
        for (ulong c = whole * CSG_WIDTH; c < width; c++)
            rest = csg_fma(row[c], row[c], rest);
        sum += sqrt(csg_lanes(squares) + rest);
    }
    sum = csg_group_sum(sum, tmp);
    if (item == 0)
        out[out_at] = sum / (float)rows;
}
